// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/config.hpp"
#include "daemon/memory_budget.hpp"
#include "jobmill/job_options.hpp"
#include "tests/unit/daemon/temp_directory.hpp"

using namespace jobmill::daemon;
using jobmill::unlimited;
using jobmill::tests::TempDirectory;

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
constexpr auto four_gib = "MemTotal:        4194304 kB\nMemFree:  5 kB\n";

}  // namespace

TEST_CASE("without a control group it is the machine's memory")
{
    const TempDirectory mount;
    CHECK(memory_within(four_gib, "", mount.path()) == 4096 * mebibyte);
    CHECK(memory_within(four_gib, "0::/a\n", mount.path()) == 4096 * mebibyte);
    CHECK(memory_within("", "0::/a\n", mount.path()) == unlimited);
    CHECK(memory_within("MemTotal: 99999999999999999999 kB\n", "", mount.path()) == unlimited);
}

TEST_CASE("the tightest group of version 2 counts, from ours up to the root")
{
    const TempDirectory mount;
    mount.write("a/b/memory.max", "max\n");
    mount.write("a/memory.max", "1048576000\n");
    CHECK(memory_within(four_gib, "0::/a/b\n", mount.path()) == 1000 * mebibyte);
    mount.write("a/b/memory.high", "104857600\n");
    CHECK(memory_within(four_gib, "0::/a/b\n", mount.path()) == 100 * mebibyte);
    mount.write("memory.max", "1048576\n");
    CHECK(memory_within(four_gib, "0::/a/b\n", mount.path()) == mebibyte);
}

TEST_CASE("groups of version 1 are found under the memory controller")
{
    const TempDirectory mount;
    mount.write("memory/x/y/memory.limit_in_bytes", "9223372036854771712\n");  // none
    mount.write("memory/x/memory.limit_in_bytes", "94371840\n");
    mount.write("cpu/x/y/memory.limit_in_bytes", "1\n");
    const char* const groups = "5:cpu,cpuacct:/x/y\n4:memory:/x/y\n0::/\n";
    CHECK(memory_within(four_gib, groups, mount.path()) == 90 * mebibyte);
    CHECK(memory_within(four_gib, "4:hugetlb,memory:/x\n", mount.path()) == 90 * mebibyte);
    CHECK(memory_within(four_gib, "5:cpu:/x/y\n", mount.path()) == 4096 * mebibyte);
}

TEST_CASE("payloads may have half of it, and no more than 8 GiB")
{
    CHECK(payload_share(unlimited) == 8192 * mebibyte);
    CHECK(payload_share(16384 * mebibyte) == 8192 * mebibyte);
    CHECK(payload_share(4096 * mebibyte) == 2048 * mebibyte);
    CHECK(payload_share(91 * mebibyte) == 45 * mebibyte);
    CHECK(payload_share(0) == mebibyte);
}

TEST_CASE("that is what a configuration says that says nothing of it")
{
    CHECK(default_config().max_bytes == payload_share(usable_memory()));
    CHECK(default_config().max_payload <= default_config().max_bytes);
    const auto told = parse_config("max_bytes = \"8 GiB\"\nmax_payload = \"1 GiB\"\n", "x");
    REQUIRE(told);
    CHECK(told->max_bytes == 8192 * mebibyte);
    CHECK(told->max_payload == 1024 * mebibyte);
}
