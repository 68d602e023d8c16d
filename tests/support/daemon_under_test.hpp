// SPDX-License-Identifier: MIT
// A real jobmilld in a directory of its own, started, watched and stopped by a test or a
// measurement. Knows nothing of the framework that judges.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/unique_fd.hpp"

namespace jobmill::tests {

/// Long enough for a busy machine; reached only by a test that fails.
inline constexpr std::chrono::seconds patience{30};

/// A fresh directory, 0700, removed with everything in it unless it is kept.
class Place {
public:
    Place();
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
    [[nodiscard]] std::string socket() const { return directory_ + "/jobmill.sock"; }
    void keep() noexcept { kept_ = true; }

private:
    std::string directory_;
    bool kept_ = false;
};

struct DaemonSetup {
    std::string config;                  ///< TOML
    std::vector<std::string> arguments;  ///< besides the places
    std::vector<std::string> prefix;     ///< a program that executes the daemon, and its arguments
    std::string socket;                  ///< instead of the place's own
};

/// A daemon that may have so many descriptors.
[[nodiscard]] DaemonSetup with_descriptors(int count, const std::string& config);

/// How the daemon left.
struct Departure {
    int exit_code = -1;  ///< -1: by a signal
    int signal = 0;
    std::string log;
};

/// One daemon process. Its descendants become children of this process when it dies, so that none
/// can hide. Dies hard with the object, if it has not stopped before, and with the thread that made
/// it: one that is killed leaves none.
class DaemonUnderTest {
public:
    /// Starts it; does not wait for it.
    DaemonUnderTest(std::shared_ptr<Place> place, const DaemonSetup& setup);
    ~DaemonUnderTest();
    DaemonUnderTest(const DaemonUnderTest&) = delete;
    DaemonUnderTest& operator=(const DaemonUnderTest&) = delete;

    /// Until it says that it is ready. Throws with its log when it leaves instead.
    void await_ready();
    /// Until its log has that text, from the beginning of the log.
    void await_log(std::string_view text);

    void signal(int signal_number) const;
    /// Until it has left by itself, or by what was done to it.
    Departure await_departure();
    /// SIGTERM, and what is wrong with how it ended: one sentence each, none when all is well.
    std::vector<std::string> stop();
    /// SIGKILL, and the end of all its descendants.
    void kill_hard();

    [[nodiscard]] bool running() const noexcept { return pid_ > 0; }
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }
    [[nodiscard]] const std::string& socket() const noexcept { return socket_; }
    [[nodiscard]] Place& place() const noexcept { return *place_; }
    [[nodiscard]] std::string log() const;

private:
    void read_log(UniqueFd pipe);
    void finish_log();

    std::shared_ptr<Place> place_;
    std::string socket_;
    pid_t pid_ = -1;
    UniqueFd pidfd_;
    mutable std::mutex mutex_;
    std::condition_variable grown_;
    std::string log_;
    bool log_ended_ = false;
    std::thread log_reader_;
};

/// Children of a process, its templates and workers when it is the daemon; dead ones too.
[[nodiscard]] std::vector<pid_t> children_of(pid_t pid);

/// Waits until this process has no child left; the numbers of those that stay are the answer.
std::vector<pid_t> reap_all(std::chrono::milliseconds time);

/// Kills all descendants of this process, which has started a daemon, and removes its places, from
/// whichever thread: what a program does that was told to end in the midst of something.
void leave_nothing();

}  // namespace jobmill::tests
