// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <vector>

#include "daemon/core/event.hpp"

namespace jobmill::core {

/// What a deadline is about.
struct DeadlineKey {
    enum class Kind : std::uint8_t { grace, pool, slot, probe };
    Kind kind = Kind::grace;
    std::uint32_t number = 0;

    friend bool operator==(const DeadlineKey&, const DeadlineKey&) = default;
};

/// A point in time for each of a small number of subjects, the earliest first: a binary heap that
/// knows where each subject is, so that none is ever left over after it was cancelled.
class Deadlines {
public:
    /// Replaces the subject's former deadline.
    void set(DeadlineKey key, TimePoint when);
    void cancel(DeadlineKey key);
    [[nodiscard]] bool pending(DeadlineKey key) const;
    [[nodiscard]] std::optional<TimePoint> next() const;
    /// Removes and returns a subject whose time has come.
    std::optional<DeadlineKey> take_due(TimePoint now);

private:
    struct Entry {
        TimePoint when;
        DeadlineKey key;
    };

    [[nodiscard]] static std::size_t index_of(DeadlineKey key);
    void put(std::size_t at, const Entry& entry);
    void sift_up(std::size_t at);
    void sift_down(std::size_t at);
    void erase(std::size_t at);

    std::vector<Entry> heap_;
    /// By subject: its place in the heap plus one; 0 when it has no deadline.
    std::vector<std::uint32_t> places_;
};

}  // namespace jobmill::core
