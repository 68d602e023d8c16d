// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/cpu_budget.hpp"
#include "tests/unit/daemon/temp_directory.hpp"

using namespace jobmill::daemon;
using jobmill::tests::TempDirectory;

TEST_CASE("a v2 quota is the quota divided by its period")
{
    CHECK(quota_v2("200000 100000\n") == 2.0);
    CHECK(quota_v2("150000 100000") == 1.5);
    CHECK(quota_v2("5000 100000") == 0.05);
}

TEST_CASE("max, nonsense and nothing are no v2 quota")
{
    for (const char* text : {"max 100000\n", "", "100000", "0 100000", "100000 0", "-1 100000",
                             "many few", "100000 -1"}) {
        CAPTURE(text);
        CHECK_FALSE(quota_v2(text).has_value());
    }
}

TEST_CASE("a v1 quota is in two files, and -1 is none")
{
    CHECK(quota_v1("350000\n", "100000\n") == 3.5);
    CHECK_FALSE(quota_v1("-1\n", "100000\n").has_value());
    CHECK_FALSE(quota_v1("", "").has_value());
}

TEST_CASE("the tightest group from ours up to the root counts")
{
    const TempDirectory mount;
    mount.write("a/b/cpu.max", "400000 100000\n");
    mount.write("a/cpu.max", "150000 100000\n");
    mount.write("cpu.max", "800000 100000\n");
    CHECK(cgroup_quota("0::/a/b\n", mount.path()) == 1.5);
    CHECK(cgroup_quota("0::/a\n", mount.path()) == 1.5);
    CHECK(cgroup_quota("0::/\n", mount.path()) == 8.0);
}

TEST_CASE("groups without a limit do not count")
{
    const TempDirectory mount;
    mount.write("a/b/cpu.max", "max 100000\n");
    mount.write("a/cpu.max", "300000 100000\n");
    CHECK(cgroup_quota("0::/a/b\n", mount.path()) == 3.0);
    mount.write("a/cpu.max", "max 100000\n");
    CHECK_FALSE(cgroup_quota("0::/a/b\n", mount.path()).has_value());
    CHECK_FALSE(cgroup_quota("0::/is/not/there\n", mount.path()).has_value());
}

TEST_CASE("version 1 groups are found under the cpu controller")
{
    const TempDirectory mount;
    mount.write("cpu/x/cpu.cfs_quota_us", "250000\n");
    mount.write("cpu/x/cpu.cfs_period_us", "100000\n");
    mount.write("cpu/cpu.cfs_quota_us", "-1\n");
    mount.write("cpu/cpu.cfs_period_us", "100000\n");
    CHECK(cgroup_quota("5:memory:/y\n4:cpu,cpuacct:/x\n", mount.path()) == 2.5);
    CHECK_FALSE(cgroup_quota("4:cpuset:/x\n", mount.path()).has_value());
}

TEST_CASE("where both versions are mounted the tighter one counts")
{
    const TempDirectory mount;
    mount.write("u/cpu.max", "100000 100000\n");
    mount.write("cpu/x/cpu.cfs_quota_us", "250000\n");
    mount.write("cpu/x/cpu.cfs_period_us", "100000\n");
    CHECK(cgroup_quota("4:cpu:/x\n0::/u\n", mount.path()) == 1.0);
}

TEST_CASE("lines that are none are passed over")
{
    const TempDirectory mount;
    CHECK_FALSE(cgroup_quota("", mount.path()).has_value());
    CHECK_FALSE(cgroup_quota("\nnonsense\n:\n", mount.path()).has_value());
}

TEST_CASE("there is at least one core to use")
{
    CHECK(usable_cores() >= 1);
}

TEST_CASE("a part of a core counts as a whole one, within the affinity")
{
    CHECK(cores_within(8, std::nullopt) == 8);
    CHECK(cores_within(8, 1.5) == 2);
    CHECK(cores_within(8, 0.05) == 1);
    CHECK(cores_within(2, 3.5) == 2);
    CHECK(cores_within(0, std::nullopt) == 1);
}
