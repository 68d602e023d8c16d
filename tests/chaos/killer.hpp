// SPDX-License-Identifier: MIT
// Kills and stops, at random, the children of a daemon and the clients of a run: by pidfd, and only
// processes that were seen to be that daemon's children or are the run's own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/unique_fd.hpp"
#include "tests/chaos/random_job.hpp"

namespace jobmill::chaos {

/// What was done, for the checker and the summary.
struct Damage {
    std::vector<std::int64_t> worker_kills;  ///< when, before it was done
    std::vector<std::int64_t> template_kills;
    std::uint64_t client_kills = 0;
    std::uint64_t stops = 0;
};

/// A child of the daemon.
struct Child {
    pid_t pid = 0;
    std::string name;
    char state = '?';
    UniqueFd process;
};

/// Those that are alive or dead and not reaped, each held by its pidfd.
[[nodiscard]] std::vector<Child> children_of_daemon(pid_t daemon);

class Killer {
public:
    Killer(pid_t daemon, std::uint64_t seed) : daemon_(daemon), dice_(seed) {}

    /// One thing at random, and whoever was stopped long enough goes on. Answers the client to be
    /// killed, by its position, or a number not below their count for none.
    void strike(const std::vector<int>& clients);
    /// Everybody goes on.
    void relent();

    [[nodiscard]] const Damage& damage() const noexcept { return damage_; }

private:
    struct Stopped {
        UniqueFd process;
        std::int64_t until = 0;
        bool worker = false;
    };

    void strike_child(std::string_view name);
    void strike_client(const std::vector<int>& clients);
    void stop(UniqueFd process, bool worker);
    void let_go();

    pid_t daemon_;
    Dice dice_;
    Damage damage_;
    std::vector<Stopped> stopped_;
};

}  // namespace jobmill::chaos
