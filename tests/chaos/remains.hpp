// SPDX-License-Identifier: MIT
// What a daemon holds, before a run and after it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/daemon_under_test.hpp"

namespace jobmill::chaos {

struct Holdings {
    std::size_t descriptors = 0;
    std::size_t memfds = 0;      ///< of those
    std::size_t segments = 0;    ///< mapped
    std::size_t children = 0;    ///< workers and templates that live
    std::size_t strays = 0;      ///< other children, dead ones, and their children
    std::uint64_t resident = 0;  ///< anonymous memory, in KiB
};

[[nodiscard]] Holdings holdings_of(pid_t daemon);

/// Names in /dev/shm that are the product's.
[[nodiscard]] std::size_t shared_memory_names();

struct Remains {
    Holdings after;
    std::vector<std::string> faults;  ///< a sentence for each thing that stays
};

/// Waits until the daemon has all its workers and nothing else that it had not before.
[[nodiscard]] Remains remains_of(const tests::DaemonUnderTest& daemon, const Holdings& at_first);

/// What status says of jobs: unfinished and unread ones, and in its pools queued and busy.
[[nodiscard]] std::uint64_t jobs_in_status(const std::string& socket);

}  // namespace jobmill::chaos
