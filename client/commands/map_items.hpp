// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "client/commands/item_reader.hpp"
#include "client/commands/job_log.hpp"

namespace jobmill::commands {

struct MapItem {
    std::uint64_t number = 0;  ///< from 1
    std::string text;
};

/// What a map is to do: the items of its input without those that a log says are done, or nothing
/// but commands of a log.
class MapItems {
public:
    /// Items with a number in `done` are skipped.
    MapItems(ItemReader reader, std::vector<bool> done);
    explicit MapItems(const std::map<std::uint64_t, std::string>& commands);

    [[nodiscard]] std::optional<MapItem> next();
    /// Whether next() would answer one.
    [[nodiscard]] bool has_next();
    /// Whether there will be none but those that next() answers now.
    [[nodiscard]] bool ended() const { return !reader_ || reader_->ended(); }
    /// Reads once; waits if there is nothing.
    [[nodiscard]] Result<void> read();
    /// The same, and keeps all the items that are there then, so that their number is known early.
    [[nodiscard]] Result<void> read_ahead();
    /// Whether that is worth it: there is input left, and little is kept so far.
    [[nodiscard]] bool can_read_ahead() const;
    /// How many next() answers in all; 0 while nobody knows.
    [[nodiscard]] std::uint64_t total();

private:
    [[nodiscard]] bool cut();
    void take();

    std::optional<ItemReader> reader_;
    std::vector<bool> done_;
    std::deque<MapItem> at_hand_;
    std::size_t bytes_ = 0;    ///< of those at hand
    std::uint64_t read_ = 0;   ///< items of the input so far
    std::uint64_t given_ = 0;  ///< by next()
};

}  // namespace jobmill::commands
