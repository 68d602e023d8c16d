// SPDX-License-Identifier: MIT
#include "daemon/rights.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace jobmill::daemon {
namespace {

constexpr auto usual_group = "jobmill";

/// An entry of a user database with its texts, or why there is none: 0 when nobody has that name.
/// `look_up` is one of the library's reentrant functions, whose buffer grows until it is enough.
template <typename Entry, typename LookUp>
int find_entry(Entry& entry, std::vector<char>& texts, bool& found, LookUp look_up)
{
    constexpr std::size_t most = 1U << 20U;
    Entry* answer = nullptr;
    int status = ERANGE;
    for (texts.resize(1024); status == ERANGE && texts.size() <= most;
         texts.resize(2 * texts.size())) {
        status = look_up(&entry, texts.data(), texts.size(), &answer);
        if (status != ERANGE) {
            break;
        }
    }
    found = status == 0 && answer != nullptr;
    return status;
}

}  // namespace

std::string OwnUser::text() const
{
    return name + " (uid " + std::to_string(uid) + ")";
}

OwnUser own_user()
{
    OwnUser user{.uid = ::geteuid(), .name = std::to_string(::geteuid())};
    passwd entry{};
    std::vector<char> texts;
    bool found = false;
    (void)find_entry(entry, texts, found,
                     [&](auto... rest) { return ::getpwuid_r(user.uid, rest...); });
    if (found) {
        user.name = entry.pw_name;
    }
    return user;
}

Result<void> judge_user(const OwnUser& user, bool system, bool root_allowed)
{
    if (system && user.uid == 0 && !root_allowed) {
        return fail(Errc::not_allowed,
                    "the system's daemon does not run as root, whose rights every job would have: "
                    "name a user (User= in its unit), or say --allow-root");
    }
    return {};
}

Result<std::optional<gid_t>> socket_group(const std::optional<std::string>& wanted, bool system)
{
    if (!wanted && !system) {
        return std::nullopt;
    }
    const std::string name = wanted.value_or(usual_group);
    group entry{};
    std::vector<char> texts;
    bool found = false;
    const int status = find_entry(
        entry, texts, found, [&](auto... rest) { return ::getgrnam_r(name.c_str(), rest...); });
    if (found) {
        return entry.gr_gid;
    }
    if (!wanted) {
        return std::nullopt;
    }
    if (status != 0) {
        return fail_errno("socket_group \"" + name + "\"", status);
    }
    return fail(Errc::invalid, "socket_group: there is no group \"" + name + '"');
}

}  // namespace jobmill::daemon
