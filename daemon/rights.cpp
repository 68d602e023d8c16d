// SPDX-License-Identifier: MIT
#include "daemon/rights.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

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

/// Its number, or why there is none: 0 when no group has that name.
std::pair<std::optional<gid_t>, int> find_group(const std::string& name)
{
    group entry{};
    std::vector<char> texts;
    bool found = false;
    const int status = find_entry(
        entry, texts, found, [&](auto... rest) { return ::getgrnam_r(name.c_str(), rest...); });
    return {found ? std::optional{entry.gr_gid} : std::nullopt, status};
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

Result<std::optional<gid_t>> named_group(const std::string& key,
                                         const std::optional<std::string>& name)
{
    if (!name) {
        return std::nullopt;
    }
    const auto [gid, status] = find_group(*name);
    if (!gid && status != 0) {
        return fail_errno(key + " \"" + *name + "\"", status);
    }
    if (!gid) {
        return fail(Errc::invalid, key + ": there is no group \"" + *name + '"');
    }
    return gid;
}

Result<std::optional<gid_t>> socket_group(const std::optional<std::string>& wanted, bool system)
{
    if (!wanted && system) {
        return find_group(usual_group).first;
    }
    return named_group("socket_group", wanted);
}

Result<PeerCredentials> peer_credentials(int socket)
{
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return fail_errno("asking who connected", errno);
    }
    PeerCredentials credentials{.uid = peer.uid, .pid = peer.pid, .group = peer.gid, .groups = {}};
    // The kernel says how many there are when they do not fit; they do not change any more.
    credentials.groups.resize(64);
    for (int attempt = 0; attempt < 2; ++attempt) {
        size = static_cast<socklen_t>(credentials.groups.size() * sizeof(gid_t));
        const int status =
            ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, credentials.groups.data(), &size);
        credentials.groups.resize(size / sizeof(gid_t));
        if (status == 0) {
            return credentials;
        }
        if (errno != ERANGE) {
            break;
        }
    }
    return fail_errno("asking in which groups the client is", errno);
}

Identity judge_client(const PeerCredentials& peer, const std::optional<gid_t>& admin_group)
{
    const auto& groups = peer.groups;
    const bool member =
        admin_group && (peer.group == *admin_group ||
                        std::find(groups.begin(), groups.end(), *admin_group) != groups.end());
    return {.uid = peer.uid, .admin = peer.uid == 0 || member};
}

bool may_administer(const Identity& client, uid_t daemon) noexcept
{
    return client.admin || client.uid == daemon;
}

}  // namespace jobmill::daemon
