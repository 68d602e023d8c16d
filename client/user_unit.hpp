// SPDX-License-Identifier: MIT
// The systemd unit that may run this user's daemon. Every question is bounded in time, and none is
// asked where no service manager of the user's runs.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "jobmill/result.hpp"

namespace jobmill {

/// What the user's service manager knows of jobmilld.service and jobmilld.socket.
struct UserUnit {
    bool service_installed = false;
    bool socket_installed = false;
    bool socket_active = false;
    bool enabled = false;       ///< the next login starts it, or listens for it
    std::string service_state;  ///< "active", "failed", …
    pid_t main_pid = 0;         ///< of the running service

    [[nodiscard]] bool installed() const noexcept { return service_installed; }
    /// What to start: the socket where there is one, since no client is refused there.
    [[nodiscard]] const char* to_start() const noexcept;
    [[nodiscard]] bool runs(pid_t pid) const noexcept { return pid > 0 && pid == main_pid; }
};

inline constexpr auto service_unit = "jobmilld.service";
inline constexpr auto socket_unit = "jobmilld.socket";

/// None without a service manager, or when it does not answer.
[[nodiscard]] std::optional<UserUnit> find_user_unit(const std::string& runtime_dir);

/// Of the answer of systemctl show, a block of NAME=VALUE lines for each unit.
[[nodiscard]] UserUnit parse_units(std::string_view text);

/// systemctl --user VERB UNIT. The error has what systemctl says.
[[nodiscard]] Result<void> control_user_unit(const char* verb, const char* unit,
                                             std::chrono::milliseconds patience);

/// The last lines of the unit's journal; empty when there are none to be had.
[[nodiscard]] std::string end_of_journal(unsigned lines);

/// Whether the user's services outlive the last session; none when nobody knows, as without logind.
[[nodiscard]] std::optional<bool> lingers(const std::string& user);

}  // namespace jobmill
