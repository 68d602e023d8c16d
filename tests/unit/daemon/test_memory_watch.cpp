// SPDX-License-Identifier: MIT
// How much memory there is, by files that a test has written.
#include <doctest/doctest.h>

#include "daemon/memory_watch.hpp"
#include "jobmill/job_options.hpp"
#include "tests/unit/daemon/temp_directory.hpp"

using namespace jobmill;
using namespace jobmill::daemon;
using jobmill::tests::TempDirectory;

namespace {

constexpr std::uint64_t mib = 1U << 20U;

std::string meminfo(const std::string& kibibytes)
{
    return "MemTotal:       24683656 kB\nMemFree:               1 kB\nMemAvailable:   " +
           kibibytes + " kB\nBuffers:            6356 kB\n";
}

}  // namespace

TEST_CASE("the machine tells what is available in kibibytes")
{
    CHECK(available_in_machine(meminfo("2048")) == 2 * mib);
    CHECK(available_in_machine(meminfo("0")) == 0U);
    CHECK(available_in_machine(meminfo("18014398509481983")) == UINT64_MAX - 1023);
}

TEST_CASE("what is nonsense, missing or too large to count is not known")
{
    for (const std::string& text :
         {std::string{}, std::string{"MemTotal: 5 kB\n"}, meminfo("much"), meminfo("-1"),
          meminfo(""), meminfo("18014398509481984"), meminfo("99999999999999999999"),
          std::string{"MemAvailable:\n"}, std::string(100'000, 'x')}) {
        CAPTURE(text.substr(0, 200));
        CHECK_FALSE(available_in_machine(text).has_value());
    }
}

TEST_CASE("in a group it is what its bound leaves, and files that can be dropped are not used up")
{
    const TempDirectory group;
    CHECK(available_in_group(group.path()) == unlimited);
    group.write("memory.max", "max\n");
    group.write("memory.current", "1000\n");
    CHECK(available_in_group(group.path()) == unlimited);
    group.write("memory.max", "5000\n");
    CHECK(available_in_group(group.path()) == 4000);
    group.write("memory.stat", "anon 700\nfile 300\ninactive_file 200\n");
    CHECK(available_in_group(group.path()) == 4200);
    group.write("memory.high", "1500\n");
    CHECK(available_in_group(group.path()) == 700);
    group.write("memory.current", "9000\n");
    CHECK(available_in_group(group.path()) == 0);
    group.write("memory.stat", "inactive_file 99999\n");
    CHECK(available_in_group(group.path()) == 1500);
    group.write("memory.current", "nonsense\n");
    CHECK(available_in_group(group.path()) == unlimited);
}

TEST_CASE("the tightest of the machine and the groups around us counts")
{
    const TempDirectory place;
    MemorySources sources{.meminfo = place.write("meminfo", meminfo("8192")),
                          .group = CgroupPlace{.mount = place.path(), .group = "/a/b"}};
    CHECK(available_memory(sources) == 8 * mib);
    place.write("a/memory.max", std::to_string(6 * mib));
    place.write("a/memory.current", std::to_string(2 * mib));
    CHECK(available_memory(sources) == 4 * mib);
    place.write("a/b/memory.max", std::to_string(7 * mib));
    place.write("a/b/memory.current", std::to_string(6 * mib));
    CHECK(available_memory(sources) == 1 * mib);
    sources.meminfo = place / "none";
    CHECK(available_memory(sources) == 1 * mib);
    sources.group.reset();
    CHECK_FALSE(available_memory(sources).has_value());
}

TEST_CASE("memory is low below the bound and good again above a tenth more")
{
    CHECK_FALSE(low_memory(false, 1000, 1000));
    CHECK(low_memory(false, 999, 1000));
    CHECK(low_memory(true, 999, 1000));
    CHECK(low_memory(true, 1000, 1000));
    CHECK(low_memory(true, 1100, 1000));
    CHECK_FALSE(low_memory(true, 1101, 1000));
    CHECK_FALSE(low_memory(false, 1050, 1000));
    CHECK_FALSE(low_memory(true, UINT64_MAX, 1));
    CHECK(low_memory(true, UINT64_MAX, UINT64_MAX));
    CHECK(low_memory(false, 0, 1));
}

TEST_CASE("memory that nobody tells of is not low")
{
    CHECK_FALSE(low_memory(false, std::nullopt, 1000));
    CHECK_FALSE(low_memory(true, std::nullopt, 1000));
}

TEST_CASE("this machine tells how much memory it has")
{
    const auto available = available_memory({});
    REQUIRE(available.has_value());
    CHECK(*available > mib);
}
