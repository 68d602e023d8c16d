// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <vector>

#include "daemon/core/time_heap.hpp"

namespace jobmill::core {

/// What a deadline is about.
struct DeadlineKey {
    enum class Kind : std::uint8_t { grace, pool, slot, probe, overrun };
    Kind kind = Kind::grace;
    std::uint32_t number = 0;

    friend bool operator==(const DeadlineKey&, const DeadlineKey&) = default;
};

/// A point in time for each of a small number of subjects, the earliest first.
class Deadlines {
public:
    /// Replaces the subject's former deadline.
    void set(DeadlineKey key, TimePoint when);
    void cancel(DeadlineKey key);
    [[nodiscard]] bool pending(DeadlineKey key) const;
    /// The subject's; `never` when it has none.
    [[nodiscard]] TimePoint due(DeadlineKey key) const;
    /// The earliest; `never` when there is none.
    [[nodiscard]] TimePoint next() const { return heap_.next(); }
    /// Removes and returns a subject whose time has come.
    std::optional<DeadlineKey> take_due(TimePoint now);

private:
    static constexpr std::size_t kinds = 5;
    [[nodiscard]] static std::size_t index_of(DeadlineKey key);
    [[nodiscard]] auto places()
    {
        return [this](DeadlineKey key) -> std::uint32_t& { return places_[index_of(key)]; };
    }

    TimeHeap<DeadlineKey> heap_;
    std::vector<std::uint32_t> places_;  ///< in the heap, by subject
};

}  // namespace jobmill::core
