// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "daemon/core/terms.hpp"

namespace jobmill::core {

/// Subjects that each have a point in time, the earliest first: a binary heap of which the subjects
/// know their places, so that none is ever left over after it was taken out. `place_of(subject)` is
/// where the owner keeps that: a reference to a number, 0 for a subject that is not here.
template <typename Subject>
class TimeHeap {
public:
    [[nodiscard]] std::size_t size() const { return heap_.size(); }
    [[nodiscard]] std::optional<TimePoint> next() const
    {
        return heap_.empty() ? std::nullopt : std::optional{heap_.front().when};
    }
    /// Replaces the subject's former time.
    template <typename PlaceOf>
    void set(Subject subject, TimePoint when, PlaceOf place_of)
    {
        if (place_of(subject) == 0) {
            heap_.push_back({});
            put(heap_.size() - 1, {when, subject}, place_of);
        }
        const std::size_t at = place_of(subject) - 1U;
        heap_[at].when = when;
        settle(at, place_of);
    }
    /// Without effect when it is not here.
    template <typename PlaceOf>
    void remove(Subject subject, PlaceOf place_of)
    {
        if (place_of(subject) != 0) {
            erase(place_of(subject) - 1U, place_of);
        }
    }
    /// Removes and returns a subject whose time has come.
    template <typename PlaceOf>
    std::optional<Subject> take_due(TimePoint now, PlaceOf place_of)
    {
        if (heap_.empty() || heap_.front().when > now) {
            return {};
        }
        const Subject due = heap_.front().subject;
        erase(0, place_of);
        return due;
    }

private:
    struct Entry {
        TimePoint when;
        Subject subject{};
    };

    template <typename PlaceOf>
    void put(std::size_t at, const Entry& entry, PlaceOf place_of)
    {
        heap_[at] = entry;
        place_of(entry.subject) = static_cast<std::uint32_t>(at + 1);
    }

    /// Its time is another one than before.
    template <typename PlaceOf>
    void settle(std::size_t at, PlaceOf place_of)
    {
        const Subject subject = heap_[at].subject;
        sift_up(at, place_of);
        sift_down(place_of(subject) - 1U, place_of);
    }

    template <typename PlaceOf>
    void sift_up(std::size_t at, PlaceOf place_of)
    {
        const Entry entry = heap_[at];
        while (at > 0 && entry.when < heap_[(at - 1) / 2].when) {
            put(at, heap_[(at - 1) / 2], place_of);
            at = (at - 1) / 2;
        }
        put(at, entry, place_of);
    }

    template <typename PlaceOf>
    void sift_down(std::size_t at, PlaceOf place_of)
    {
        const Entry entry = heap_[at];
        while (at * 2 + 1 < heap_.size()) {
            std::size_t child = at * 2 + 1;
            if (child + 1 < heap_.size() && heap_[child + 1].when < heap_[child].when) {
                ++child;
            }
            if (entry.when <= heap_[child].when) {
                break;
            }
            put(at, heap_[child], place_of);
            at = child;
        }
        put(at, entry, place_of);
    }

    template <typename PlaceOf>
    void erase(std::size_t at, PlaceOf place_of)
    {
        place_of(heap_[at].subject) = 0;
        const Entry last = heap_.back();
        heap_.pop_back();
        if (at < heap_.size()) {
            put(at, last, place_of);
            settle(at, place_of);
        }
    }

    std::vector<Entry> heap_;
};

}  // namespace jobmill::core
