// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/halt.hpp"

namespace jobmill::commands {

/// How a map's jobs ended, and what that means to a shell.
class MapTally {
public:
    explicit MapTally(std::optional<Halt> halt = {}) : halt_(halt) {}

    void add_success() noexcept { ++done_; }
    void add_failure(std::uint64_t item, int exit_code);
    /// A failure, too, but of the daemon, which stopped.
    void add_cut_short(std::uint64_t item, int exit_code);
    /// A job that was given up with its batch.
    void add_halted() noexcept { ++halted_; }

    [[nodiscard]] std::uint64_t ended() const noexcept { return done_ + failed_; }
    [[nodiscard]] std::uint64_t failed() const noexcept { return failed_; }
    [[nodiscard]] std::uint64_t cut_short() const noexcept { return cut_short_; }
    /// Whether the batch is to be given up.
    [[nodiscard]] bool halts() const noexcept;

    /// As GNU parallel does: the number of failed jobs, 101 when there are more than 100; with
    /// fail=1 the exit code of the job that failed, with fail=N% the percentage that failed.
    [[nodiscard]] int exit_code() const noexcept;

    /// "12 done, 1 failed, 4 cut short, 30 given up"; empty when nothing failed.
    [[nodiscard]] std::string summary() const;
    /// "items 3, 7 and 12", the first ones to fail; empty when nothing failed.
    [[nodiscard]] std::string failed_items() const;

private:
    std::optional<Halt> halt_;
    std::uint64_t done_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t cut_short_ = 0;  ///< of those that failed
    std::uint64_t halted_ = 0;
    int first_code_ = 0;                      ///< of the first job that failed
    std::vector<std::uint64_t> first_items_;  ///< to fail, so many as are named
};

}  // namespace jobmill::commands
