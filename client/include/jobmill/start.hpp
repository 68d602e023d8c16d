// SPDX-License-Identifier: MIT
// A daemon that starts itself: for programs that should work without anybody having started one.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "jobmill/client.hpp"
#include "jobmill/result.hpp"

namespace jobmill {

struct StartOptions {
    /// How long a daemon may take until it answers.
    std::chrono::milliseconds patience{20'000};
    /// The daemon leaves after so long without clients and jobs; empty: it stays. The user's wish,
    /// $JOBMILL_IDLE_TIMEOUT, comes first. A systemd unit has its own way.
    std::string idle_timeout = "10m";
    /// Where a systemd unit of this user is installed, that is started instead of a bare process.
    bool unit = true;
    /// Waiting ends, with Errc::closed, when this can be read, and nothing is started for who is
    /// not to wait any more. -1: Client::Options::cancel_fd.
    int cancel_fd = -1;
    /// Told a line for people when starting takes longer than a second.
    std::function<void(const std::string&)> on_slow{};
};

/// A session with this user's daemon, which is started if there is none. However many clients ask
/// at the same moment, one daemon is started; one that is about to leave is waited for.
///
/// Nothing is started when $JOBMILL_NO_START is set and not empty, nor when $JOBMILL_SOCKET names
/// another place than the user's own: then this is Client::connect().
[[nodiscard]] Result<Client> connect_or_start(const Client::Options& options = {},
                                              const StartOptions& start = {});

}  // namespace jobmill
