// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/unique_fd.hpp"
#include "daemon/loop/timer.hpp"

namespace jobmill::daemon {

/// What the daemon and the service manager that started it (systemd) tell each other: readiness,
/// signs of life, the state of a stop, and sockets that were bound for us. Without a manager every
/// call does nothing. The signs of life come from the loop, so that a loop that hangs gives none;
/// and the loop never waits for the manager: what that one does not take yet is kept, or dropped if
/// the like of it comes again soon.
class ServiceManager {
public:
    /// Takes what the environment says about this process, and removes it there.
    [[nodiscard]] static Result<ServiceManager> from_environment();

    /// Sockets that were passed, close-on-exec; empties the list.
    [[nodiscard]] std::vector<UniqueFd> take_sockets() { return std::move(sockets_); }

    /// From now on the watchdog is fed, as long as the loop turns and `healthy` says so. The object
    /// must not move any more.
    [[nodiscard]] Result<void> attach(loop::EventLoop& loop, std::function<bool()> healthy);

    /// Loading takes its time: asks for more of it until it is ready.
    void starting();
    /// Everything has loaded and the socket accepts; after a reload: it is over. The text is what
    /// `systemctl status` shows.
    void ready(const std::string& status);
    void reloading();
    /// The stop takes its time: asks for more of it until this object is gone.
    void stopping(const std::string& status);
    /// A short sentence; for rare changes, never for a job.
    void status(const std::string& text);

private:
    ServiceManager() = default;
    enum class Lost : bool { kept, dropped };  ///< what becomes of it when it cannot be sent now
    void tell(std::string words, Lost lost);
    [[nodiscard]] bool send(const std::string& words) const;
    void tell_rest();
    void feed();
    void extend();

    std::string address_;  ///< of the manager's socket; empty: there is none
    UniqueFd notify_;
    std::deque<std::string> rest_;  ///< to be told, in this order
    std::vector<UniqueFd> sockets_;
    std::chrono::microseconds watchdog_{0};  ///< 0: there is none
    std::function<bool()> healthy_;
    bool starving_ = false;
    bool starting_ = false;
    std::unique_ptr<loop::Timer> telling_;
    std::unique_ptr<loop::Timer> feeding_;
    std::unique_ptr<loop::Timer> extending_;
};

/// Whether a variable of the environment, as NAME=VALUE, is between the service manager and this
/// process: a child that inherited it could speak for the daemon.
[[nodiscard]] bool for_daemon_alone(std::string_view entry);

}  // namespace jobmill::daemon
