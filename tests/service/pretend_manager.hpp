// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/daemon_under_test.hpp"
#include "tests/support/notify_socket.hpp"

namespace jobmill::tests {

/// What a daemon sees of a service manager: variables, a socket to talk to, and maybe one to
/// listen at, which outlives every daemon that is started with it.
class PretendManager {
public:
    PretendManager() : notify_(place_->directory() + "/notify") {}

    /// From now on daemons are given a socket that listens where clients connect.
    void listen();

    /// `variables` are more of them, as NAME=VALUE without anything that a shell would take.
    [[nodiscard]] std::unique_ptr<DaemonUnderTest> start(
        const std::string& config, const std::vector<std::string>& variables = {}) const;
    /// The same with an own idea of where to listen.
    [[nodiscard]] std::unique_ptr<DaemonUnderTest> start_at(
        const std::string& socket, const std::string& config,
        const std::vector<std::string>& variables = {}) const;

    /// The next message with that part; others before it are dropped. Throws when none comes.
    [[nodiscard]] std::string await(std::string_view part) const;
    /// Whether another message comes within that time; it stays unread.
    [[nodiscard]] bool hears_within(std::chrono::milliseconds time) const;
    /// What is there now.
    [[nodiscard]] std::vector<std::string> heard() const;

    [[nodiscard]] std::string socket() const { return place_->socket(); }

private:
    std::shared_ptr<Place> place_ = std::make_shared<Place>();
    NotifySocket notify_;
    UniqueFd listening_;  ///< inherited by what this process starts; the daemon gets it as 3
};

}  // namespace jobmill::tests
