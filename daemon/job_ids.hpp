// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "common/unique_fd.hpp"
#include "jobmill/ids.hpp"
#include "jobmill/result.hpp"

namespace jobmill::daemon {

/// Hands out job numbers that are never reused, across restarts and crashes either: blocks of them
/// are reserved in a file before they are used. Daemons that share the directory share the numbers.
class JobIds {
public:
    /// Where the directory cannot be written for want of room, that is said, and numbers go on from
    /// what it holds.
    [[nodiscard]] static Result<JobIds> open(const std::string& directory);

    [[nodiscard]] JobId next();
    /// The rest of the reserved block may be used by the next daemon.
    void close();

private:
    JobIds(std::string file, std::uint64_t next) : file_(std::move(file)), next_(next), end_(next)
    {
    }
    [[nodiscard]] Result<std::uint64_t> begin(const std::string& directory) const;
    [[nodiscard]] Result<void> write(std::uint64_t first_unused) const;
    [[nodiscard]] Result<UniqueFd> lock() const;
    /// The first of so many numbers that are ours now.
    [[nodiscard]] Result<std::uint64_t> reserve(std::uint64_t count) const;
    [[nodiscard]] Result<void> give_back() const;

    std::string file_;
    std::uint64_t next_;
    std::uint64_t end_;
    std::uint64_t block_ = 1024;
};

}  // namespace jobmill::daemon
