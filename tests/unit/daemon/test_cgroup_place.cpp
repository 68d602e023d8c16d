// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/cgroup_place.hpp"

using namespace jobmill::daemon;

namespace {

constexpr auto pure = "29 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";

std::string found(std::string_view proc_cgroup, std::string_view mountinfo)
{
    const auto place = cgroup_place(proc_cgroup, mountinfo);
    return place ? place->mount + "|" + place->group : "none";
}

}  // namespace

TEST_CASE("our group lies below the mount of cgroup v2")
{
    CHECK(found("0::/a/b\n", pure) == "/sys/fs/cgroup|/a/b");
    CHECK(found("0::/\n", pure) == "/sys/fs/cgroup|");
    CHECK(cgroup_place("0::/a\n", pure)->directory() == "/sys/fs/cgroup/a");
}

TEST_CASE("beside version 1, version 2 has its own line and its own mount")
{
    CHECK(found("4:memory:/x\n1:name=systemd:/y\n0::/z\n",
                "30 29 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                "31 29 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n") ==
          "/sys/fs/cgroup/unified|/z");
}

TEST_CASE("where a part of the tree is mounted, our group counts from there")
{
    constexpr auto part = "29 22 0:26 /box /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    CHECK(found("0::/box/a\n", part) == "/sys/fs/cgroup|/a");
    CHECK(found("0::/box\n", part) == "/sys/fs/cgroup|");
    CHECK(found("0::/boxes/a\n", part) == "none");
    CHECK(found("0::/other\n", part) == "none");
    CHECK(found("0::/other\n", std::string{part} + pure) == "/sys/fs/cgroup|/other");
}

TEST_CASE("without a mount, a line, or a group that exists there is none")
{
    CHECK(found("0::/a\n", "") == "none");
    CHECK(found("0::/a\n", "garbage\n\n - cgroup2\n") == "none");
    CHECK(found("0::/a\n", "30 29 0:27 / /m rw - cgroup cgroup rw\n") == "none");
    CHECK(found("", pure) == "none");
    CHECK(found("4:memory:/x\n", pure) == "none");
    CHECK(found("0::/a (deleted)\n", pure) == "none");
    CHECK(found("0::/../a\n", pure) == "none");
    CHECK(found("0::\n", pure) == "none");
    // Its name has a space, which is written as \040: nobody does that.
    CHECK(found("0::/a\n", "29 22 0:26 / /sys/fs\\040cgroup rw - cgroup2 cgroup2 rw\n") == "none");
}

TEST_CASE("above a group are those that its path names, and the root")
{
    CHECK(group_and_above("/a/b") == std::vector<std::string>{"/a/b", "/a", ""});
    CHECK(group_and_above("/") == std::vector<std::string>{""});
    CHECK(group_and_above("") == std::vector<std::string>{""});
}
