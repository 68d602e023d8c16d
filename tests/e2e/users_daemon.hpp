// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "tests/e2e/e2e_daemon.hpp"
#include "tests/support/as_user.hpp"

namespace jobmill::tests {

/// A daemon to which every user may connect; for tests that run as root.
class UsersDaemon : public Daemon {
public:
    explicit UsersDaemon(const std::string& config) : Daemon(config)
    {
        constexpr mode_t anybody_passes = 0711;
        constexpr mode_t anybody_connects = 0666;
        REQUIRE(::chmod(place().directory().c_str(), anybody_passes) == 0);
        REQUIRE(::chmod(socket().c_str(), anybody_connects) == 0);
    }

    [[nodiscard]] JsonClient json_as(uid_t uid, const std::vector<gid_t>& groups = {}) const
    {
        const AsUser user{uid, groups};
        return json();
    }
};

}  // namespace jobmill::tests
