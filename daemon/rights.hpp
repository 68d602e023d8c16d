// SPDX-License-Identifier: MIT
// Whose rights the jobs have, who may connect, and who may touch whose jobs.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

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

/// A group that is named in the configuration under that key; an error when there is none.
[[nodiscard]] Result<std::optional<gid_t>> named_group(const std::string& key,
                                                       const std::optional<std::string>& name);

/// The group whose members may connect. `wanted` must exist; the system's daemon without a wish
/// takes "jobmill" if there is one.
[[nodiscard]] Result<std::optional<gid_t>> socket_group(const std::optional<std::string>& wanted,
                                                        bool system);

/// Who connected, as the kernel kept it at that moment. Its process is no authority: it may be gone
/// and its number another's by now.
struct PeerCredentials {
    uid_t uid = 0;
    pid_t pid = 0;  ///< for the log
    gid_t group = 0;
    std::vector<gid_t> groups;  ///< the supplementary ones
};
[[nodiscard]] Result<PeerCredentials> peer_credentials(int socket);

/// Who a client is to the daemon, decided once, when it connects.
struct Identity {
    uid_t uid = 0;
    bool admin = false;  ///< sees and touches the jobs of all users

    /// What somebody may not touch he is told not to be there.
    [[nodiscard]] bool may_touch(uid_t owner) const noexcept { return admin || uid == owner; }
};

/// Root and the members of that group are admins. The daemon's own user is none: in the system's
/// daemon that is the user as whom everybody's jobs run, and no job may reach for another's.
[[nodiscard]] Identity judge_client(const PeerCredentials& peer,
                                    const std::optional<gid_t>& admin_group);

/// Whether somebody may change the daemon itself: an admin, and the daemon's own user.
[[nodiscard]] bool may_administer(const Identity& client, uid_t daemon) noexcept;

}  // namespace jobmill::daemon
