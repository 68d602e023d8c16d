// SPDX-License-Identifier: MIT
// The daemon of a test case: judged at its end, and its directory kept when the case has failed.
#pragma once

#include <functional>
#include <string>

#include <doctest/doctest.h>

#include "tests/e2e/binary_client.hpp"
#include "tests/e2e/json_client.hpp"
#include "tests/support/daemon_under_test.hpp"

namespace jobmill::tests {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

/// Tests' own handlers (tests/modules).
[[nodiscard]] std::string test_module(const std::string& name = "testhandlers");

/// A pool with the test handlers, after whatever stands before it.
[[nodiscard]] std::string pool_config(unsigned workers, const std::string& before = "");

/// Ready when it is constructed; stopped and judged when it is destroyed.
class Daemon : public DaemonUnderTest {
public:
    explicit Daemon(const std::string& config, std::vector<std::string> arguments = {});
    Daemon(std::shared_ptr<Place> place, const DaemonSetup& setup);
    ~Daemon();

    /// Stops it now and checks that it ended well.
    void check_stop();

    [[nodiscard]] JsonClient json() const { return JsonClient{socket()}; }
    [[nodiscard]] BinaryClient binary() const { return BinaryClient{socket()}; }
    /// A fresh session that gets its answer.
    void check_healthy() const;
    /// What status says of a pool.
    [[nodiscard]] Value pool(std::size_t index = 0) const;
    /// Until so many workers of the first pool are ready, busy or not.
    void await_workers(std::int64_t count) const;
    /// Unfinished and unread jobs.
    [[nodiscard]] std::size_t jobs() const;

    [[nodiscard]] std::vector<pid_t> children() const { return children_of(pid()); }
    /// The first template among them; 0 when there is none just now.
    [[nodiscard]] pid_t template_pid() const;
    /// SIGKILL, if that process is a child of the daemon and not somebody else by now.
    bool kill_child(pid_t pid) const;
    [[nodiscard]] std::size_t open_descriptors() const;
    /// A line of /proc/PID/status, in KiB: "RssAnon", "VmSize".
    [[nodiscard]] std::uint64_t kibibytes(const std::string& what) const;

    /// Waits until it holds; looks once a millisecond, as long as the daemon lives.
    void await(const char* what, const std::function<bool()>& holds) const;
};

/// Runs a daemon that is expected to leave by itself.
[[nodiscard]] Departure run_daemon(const DaemonSetup& setup);
[[nodiscard]] Departure run_daemon(std::shared_ptr<Place> place, const DaemonSetup& setup);

[[nodiscard]] bool process_exists(pid_t pid);

/// Nanoseconds that a process has run so far.
[[nodiscard]] std::uint64_t run_time_of(pid_t pid);

}  // namespace jobmill::tests
