// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "client/socket_holder.hpp"
#include "common/unique_fd.hpp"
#include "jobmill/result.hpp"

namespace jobmill::demo {

/// A daemon with a directory of its own in $TMPDIR; both are gone with this object.
class PrivateDaemon {
public:
    [[nodiscard]] static Result<PrivateDaemon> start();

    PrivateDaemon(PrivateDaemon&& other) noexcept;
    PrivateDaemon& operator=(PrivateDaemon&&) = delete;
    ~PrivateDaemon();

    [[nodiscard]] std::string socket() const { return directory_ + "/jobmill.sock"; }
    [[nodiscard]] pid_t pid() const noexcept { return process_.pid; }

private:
    explicit PrivateDaemon(std::string directory) : directory_(std::move(directory)) {}

    std::string directory_;
    UniqueFd lock_;  ///< of the directory: it is in use
    FoundDaemon process_;
};

}  // namespace jobmill::demo
