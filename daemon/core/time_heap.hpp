// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "daemon/core/key_heap.hpp"
#include "daemon/core/terms.hpp"

namespace jobmill::core {

/// Subjects that each have a point in time, the earliest first; see KeyHeap.
template <typename Subject>
class TimeHeap {
public:
    [[nodiscard]] std::size_t size() const { return heap_.size(); }
    /// The earliest; `never` when there is none.
    [[nodiscard]] TimePoint next() const { return heap_.empty() ? never : heap_.first().key; }
    /// Of the subject that has that place.
    [[nodiscard]] TimePoint time_at(std::uint32_t place) const { return heap_.key_at(place); }
    /// Replaces the subject's former time.
    template <typename PlaceOf>
    void set(Subject subject, TimePoint when, PlaceOf place_of)
    {
        heap_.set(subject, when, place_of);
    }
    /// Without effect when it is not here.
    template <typename PlaceOf>
    void remove(Subject subject, PlaceOf place_of)
    {
        heap_.remove(subject, place_of);
    }
    /// Removes and returns a subject whose time has come.
    template <typename PlaceOf>
    std::optional<Subject> take_due(TimePoint now, PlaceOf place_of)
    {
        if (heap_.empty() || heap_.first().key > now) {
            return {};
        }
        const Subject due = heap_.first().subject;
        heap_.remove(due, place_of);
        return due;
    }

private:
    KeyHeap<TimePoint, Subject> heap_;
};

}  // namespace jobmill::core
