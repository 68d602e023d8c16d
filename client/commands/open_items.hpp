// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "client/commands/job_log.hpp"
#include "client/commands/job_output.hpp"
#include "client/commands/progress_bar.hpp"
#include "client/commands/session.hpp"

namespace jobmill::commands {

/// An item of a map, until its output has been printed.
struct OpenItem {
    std::string text;                     ///< the job's payload may borrow it
    std::optional<PreparedJob> prepared;  ///< of a log; the job's payload may borrow it
    JobOutput output;
    std::uint64_t received = 0;  ///< bytes of output
    bool taken = false;          ///< by the daemon
    bool ended = false;
    bool retries_told = false;
    std::optional<JobLogLine> line;  ///< for the log, once it is printed
};

/// Items that are unfinished or wait for their turn to be printed, or for who reads the output.
class OpenItems {
public:
    struct Style {
        bool ordered = false;  ///< print in the order of the numbers
        bool tag = false;      ///< begin each line with the item and a tab
    };

    /// Borrows the log, which may be none.
    OpenItems(Style style, JobLog* log) : style_(style), log_(log) {}

    OpenItem& add(std::uint64_t number, std::string text);
    [[nodiscard]] OpenItem& at(std::uint64_t number) { return items_.at(number); }
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    /// Whether nothing waits for the reader of the output; it is logged then.
    [[nodiscard]] bool all_printed() const noexcept
    {
        return printing_.empty() && printed_.empty();
    }

    // Each is false when the output cannot be printed.

    /// Prints what may be printed now: this item, or those that were waiting for it.
    [[nodiscard]] bool end(std::uint64_t number, ProgressBar& bar);
    /// Forgets an item that has no end of its own.
    [[nodiscard]] bool drop(std::uint64_t number, ProgressBar& bar);
    /// Prints more of what may be printed, until the output waits, and writes what was gathered.
    /// What its reader has taken is logged: who goes on from the log misses no output.
    [[nodiscard]] bool print_some(ProgressBar& bar);

private:
    struct Printed {
        JobLogLine line;
        std::uint64_t end = 0;  ///< of its output, in all that was printed
    };

    [[nodiscard]] bool print_ready(ProgressBar& bar);
    void log_printed();

    Style style_;
    JobLog* log_;
    std::map<std::uint64_t, OpenItem> items_;  ///< by number, from 1
    std::deque<OpenItem> printing_;            ///< their turn has come
    std::deque<Printed> printed_;              ///< not all of which may be written yet
};

}  // namespace jobmill::commands
