// SPDX-License-Identifier: MIT
#include <sys/stat.h>

#include <doctest/doctest.h>

#include "daemon/kernel_files.hpp"
#include "jobmill/job_options.hpp"
#include "tests/unit/daemon/temp_directory.hpp"

using namespace jobmill;
using namespace jobmill::daemon;
using jobmill::tests::TempDirectory;

TEST_CASE("a small file is read whole, and of a large one the beginning")
{
    const TempDirectory directory;
    CHECK(read_kernel_file(directory.write("empty", "")).value() == "");
    const std::string medium(5000, 'm');
    CHECK(read_kernel_file(directory.write("medium", medium)).value() == medium);
    CHECK(read_kernel_file(directory.write("large", std::string(200'000, 'l'))).value() ==
          std::string(65536, 'l'));
    CHECK(read_kernel_file("/proc/self/status").value().starts_with("Name:"));
}

TEST_CASE("what cannot be read is an error that names the file, and nothing is waited for")
{
    const TempDirectory directory;
    const auto missing = read_kernel_file(directory / "none");
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().code == Errc::not_found);
    CHECK(missing.error().what.starts_with("reading " + (directory / "none")));
    CHECK_FALSE(read_kernel_file(directory.path()).has_value());
    REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
    CHECK(read_kernel_file(directory / "pipe").value() == "");
    CHECK_FALSE(write_kernel_file(directory / "pipe", "1").has_value());
}

TEST_CASE("only a file that is there is written, and as a whole")
{
    const TempDirectory directory;
    CHECK(write_kernel_file(directory.write("a", "longer than that"), "1").has_value());
    CHECK(directory.read("a") == "1");
    CHECK_FALSE(write_kernel_file(directory / "none", "1").has_value());
    CHECK_FALSE(write_kernel_file("/dev/full", "1").has_value());
}

TEST_CASE("a file of one number may say max")
{
    const TempDirectory directory;
    CHECK(kernel_number(directory.write("a", "12\n")) == 12U);
    CHECK(kernel_number(directory.write("a", "18446744073709551615\n")) == UINT64_MAX);
    CHECK(kernel_number(directory.write("a", "max\n")) == unlimited);
    CHECK_FALSE(kernel_number(directory / "none").has_value());
    for (const char* text :
         {"", "\n", "-1\n", "1 2\n", "18446744073709551616\n", "maximum\n", "0x1"}) {
        CAPTURE(text);
        CHECK_FALSE(kernel_number(directory.write("a", text)).has_value());
    }
}

TEST_CASE("a number is found behind its word at the beginning of a line")
{
    constexpr std::string_view text = "low 0\noom 7\noom_kill 3\nMemFree:   12 kB\nlast 9";
    CHECK(number_after(text, "oom") == 7U);
    CHECK(number_after(text, "oom_kill") == 3U);
    CHECK(number_after(text, "MemFree:") == 12U);
    CHECK(number_after(text, "last") == 9U);
    CHECK_FALSE(number_after(text, "kill").has_value());
    CHECK_FALSE(number_after("", "low").has_value());
    CHECK_FALSE(number_after("low\nlow x\n", "low").has_value());
}
