// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <doctest/doctest.h>

#include "common/fd_io.hpp"
#include "daemon/rights.hpp"
#include "tests/support/as_user.hpp"

using namespace jobmill;
using namespace jobmill::daemon;

namespace {

const OwnUser root{.uid = 0, .name = "root"};
const OwnUser other{.uid = 998, .name = "jobmill"};

}  // namespace

TEST_CASE("the system's daemon lends nobody the rights of root unless it is told to")
{
    const auto judged = judge_user(root, true, false);
    REQUIRE_FALSE(judged.has_value());
    CHECK(judged.error().code == Errc::not_allowed);
    CHECK(judged.error().what.find("User=") != std::string::npos);
    CHECK(judge_user(root, true, true).has_value());
    CHECK(judge_user(other, true, false).has_value());
}

TEST_CASE("root may have a daemon of its own like any user")
{
    CHECK(judge_user(root, false, false).has_value());
}

TEST_CASE("a user is named with the number")
{
    CHECK(other.text() == "jobmill (uid 998)");
    const OwnUser own = own_user();
    CHECK(own.uid == ::geteuid());
    CHECK_FALSE(own.name.empty());
}

TEST_CASE("a user's own daemon lets no group in unless it is told to")
{
    CHECK(*socket_group({}, false) == std::nullopt);
    CHECK(*socket_group("root", false) == gid_t{0});
    CHECK(*socket_group("root", true) == gid_t{0});
}

TEST_CASE("a group that is not there is refused by its name")
{
    const auto group = socket_group("no such group", true);
    REQUIRE_FALSE(group.has_value());
    CHECK(group.error().code == Errc::invalid);
    CHECK(group.error().what == "socket_group: there is no group \"no such group\"");
}

TEST_CASE("root and the members of the admin group are admins, nobody else is")
{
    const PeerCredentials anna{.uid = 1000, .group = 1000, .groups = {27, 100}};
    CHECK(judge_client({.uid = 0}, {}).admin);
    CHECK_FALSE(judge_client(anna, {}).admin);
    CHECK_FALSE(judge_client(anna, gid_t{28}).admin);
    CHECK(judge_client(anna, gid_t{100}).admin);
    CHECK(judge_client(anna, gid_t{1000}).admin);
    CHECK(judge_client(anna, gid_t{100}).uid == 1000);
    // Group 0 is no group of root's powers unless it is the one that was named.
    CHECK_FALSE(judge_client({.uid = 1000, .group = 0}, {}).admin);
}

TEST_CASE("a user touches his own jobs, an admin all")
{
    const Identity anna{.uid = 1000};
    const Identity admin{.uid = 1001, .admin = true};
    CHECK(anna.may_touch(1000));
    CHECK_FALSE(anna.may_touch(1001));
    CHECK_FALSE(anna.may_touch(0));
    CHECK(admin.may_touch(1000));
    CHECK(admin.may_touch(1001));
}

TEST_CASE("the daemon is changed by admins and its own user, who is no admin for that")
{
    CHECK(may_administer({.uid = 0, .admin = true}, 998));
    CHECK(may_administer({.uid = 998}, 998));
    CHECK_FALSE(may_administer({.uid = 1000}, 998));
    CHECK_FALSE(judge_client({.uid = 998}, {}).may_touch(1000));
}

TEST_CASE("a group that is named has to be there")
{
    CHECK(named_group("admin_group", {}).value() == std::nullopt);
    CHECK(named_group("admin_group", "root").value() == gid_t{0});
    const auto missing = named_group("admin_group", "no such group");
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().what == "admin_group: there is no group \"no such group\"");
}

TEST_CASE("the kernel tells who connected, and in which groups he was")
{
    const auto own = make_socket_pair();
    REQUIRE(own.has_value());
    CHECK(peer_credentials(own->ours.get()).value().uid == ::geteuid());
    CHECK(peer_credentials(own->ours.get()).value().pid == ::getpid());
    CHECK_FALSE(peer_credentials(STDIN_FILENO).has_value());
    if (!tests::AsUser::possible()) {
        MESSAGE("the rest needs root");
        return;
    }
    // More groups than fit at first.
    std::vector<gid_t> groups;
    for (gid_t group = 3000; group < 3200; ++group) {
        groups.push_back(group);
    }
    auto pair = [&] {
        const tests::AsUser anna{4711, groups};
        return make_socket_pair();
    }();
    REQUIRE(pair.has_value());
    const auto peer = peer_credentials(pair->ours.get());
    REQUIRE(peer.has_value());
    CHECK(peer->uid == 4711);
    CHECK(peer->group == 4711);
    CHECK(peer->groups == groups);
    CHECK(judge_client(*peer, gid_t{3199}).admin);
    CHECK_FALSE(judge_client(*peer, gid_t{3200}).admin);
}
