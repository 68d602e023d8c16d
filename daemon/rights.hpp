// SPDX-License-Identifier: MIT
// Whose rights the jobs have, and who may connect.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "jobmill/result.hpp"

namespace jobmill::daemon {

/// Who the daemon is, and so everything that runs below it.
struct OwnUser {
    uid_t uid = 0;
    std::string name;  ///< the number as text when the user has no name

    /// "anna (uid 1000)".
    [[nodiscard]] std::string text() const;
};
[[nodiscard]] OwnUser own_user();

/// A daemon that serves others must not lend them the rights of root.
[[nodiscard]] Result<void> judge_user(const OwnUser& user, bool system, bool root_allowed);

/// The group whose members may connect. `wanted` must exist; the system's daemon without a wish
/// takes "jobmill" if there is one.
[[nodiscard]] Result<std::optional<gid_t>> socket_group(const std::optional<std::string>& wanted,
                                                        bool system);

}  // namespace jobmill::daemon
