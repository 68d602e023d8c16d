// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <doctest/doctest.h>

#include "daemon/rights.hpp"

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
