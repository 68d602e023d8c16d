// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "client/commands/common_options.hpp"
#include "client/commands/item_pattern.hpp"
#include "client/commands/job_log.hpp"
#include "client/commands/map_tally.hpp"
#include "client/commands/open_items.hpp"
#include "client/commands/progress_bar.hpp"

namespace jobmill::commands {

/// What comes back of a map's jobs: collects, counts, prints and logs it.
class MapResults {
public:
    /// Borrows the options and the log, which may be none.
    MapResults(const CommonOptions& common, const MapOptions& options, JobLog* log,
               std::optional<Halt> halt);

    [[nodiscard]] OpenItems& items() noexcept { return items_; }

    // Each is false when the output cannot be printed.

    /// An event of an item's job.
    [[nodiscard]] Result<bool> on(const ClientEvent& event, std::uint64_t number,
                                  const ItemPattern& pattern);
    /// An item that cannot become a job.
    [[nodiscard]] bool fail(std::uint64_t number, const std::string& why,
                            const ItemPattern& pattern);
    /// An item whose job the daemon refuses for good, as it will those that come.
    [[nodiscard]] bool refuse(std::uint64_t number, const ErrorReply& error);
    /// An item that is not run because its batch is given up.
    [[nodiscard]] bool give_up(std::uint64_t number);
    /// More of what waited for the reader of the output.
    [[nodiscard]] bool print_some() { return items_.print_some(bar_); }
    /// All of it, waiting for him.
    [[nodiscard]] bool print_rest();

    /// Too many jobs failed: no more items.
    [[nodiscard]] bool halting() const noexcept { return halting_; }
    /// The daemon refuses jobs: no more items.
    [[nodiscard]] bool refused() const noexcept { return refused_; }

    [[nodiscard]] bool shows_progress() const noexcept { return bar_.shown(); }
    /// Of so many items; 0: nobody knows yet.
    void draw(std::uint64_t total);
    void clear() { bar_.clear(); }
    /// Waits until all is printed, says how it went; answers the exit code.
    [[nodiscard]] int finish();

private:
    [[nodiscard]] Result<bool> add_output(const ClientEvent& event, std::uint64_t number);
    [[nodiscard]] bool end(const event::JobResult& result, std::uint64_t number,
                           const ItemPattern& pattern);
    void want_line(OpenItem& item, const ItemPattern& pattern) const;
    void tell(const event::Retrying& retrying, std::uint64_t number);
    void tell(const event::JobResult& result, std::uint64_t number);
    void tell_summary() const;
    [[nodiscard]] std::string command_of(std::uint64_t number, const ItemPattern& pattern);
    [[nodiscard]] JobLogLine line(const event::JobResult& result, std::uint64_t number,
                                  const ItemPattern& pattern);

    const CommonOptions& common_;
    const MapOptions& options_;
    JobLog* log_;
    OpenItems items_;
    MapTally tally_;
    ProgressBar bar_;
    std::uint64_t cancelled_ = 0;  ///< jobs, all but the first without a word
    bool halting_ = false;
    bool refused_ = false;
};

}  // namespace jobmill::commands
