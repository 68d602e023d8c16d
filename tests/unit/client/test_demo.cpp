// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "client/demo/bare_ngram.hpp"
#include "client/demo/counts.hpp"
#include "client/demo/ngram_data.hpp"

using namespace jobmill;
using namespace jobmill::demo;

namespace {

/// A directory that is gone with this object.
struct TemporaryDirectory {
    TemporaryDirectory() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ~TemporaryDirectory() { std::filesystem::remove_all(path); }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    std::string path = std::filesystem::temp_directory_path().string() + "/jobmill-test-XXXXXX";
};

}  // namespace

TEST_CASE("counts add up, whatever the order of the parts")
{
    Counts counts;
    REQUIRE(counts.merge("b\t2\na\t1\n"));
    REQUIRE(counts.merge("a\t40\n"));
    REQUIRE(counts.merge(""));
    CHECK(counts.of("a") == 41);
    CHECK(counts.of("b") == 2);
    CHECK(counts.of("c") == 0);
    CHECK(counts.largest(1) == std::vector<std::pair<std::string, std::uint64_t>>{{"a", 41}});
    Counts again;
    REQUIRE(again.merge(counts.lines()));
    CHECK(again.of("a") == 41);
}

TEST_CASE("counts that are none are refused")
{
    for (const char* lines :
         {"a", "a\t", "a\tx\n", "a\t1", "a\t1 \n", "a\t99999999999999999999\n"}) {
        CHECK_FALSE(Counts{}.merge(lines));
    }
}

TEST_CASE("wherever a file is cut, each line is counted once")
{
    const TemporaryDirectory directory;
    const std::string path = directory.path + "/ng";
    std::ofstream{path} << "Aardvark\t1900\t3\t1\nAardvark\t1901\t4\t1\nab\t1900\t10\t2\n"
                           "abc\t1999\t100\t9\n";
    const std::uint64_t size = std::filesystem::file_size(path);
    for (std::uint64_t length = 1; length <= size + 1; ++length) {
        const auto ranges = ranges_of({path}, length);
        REQUIRE(ranges);
        const auto counts = count_bare(*ranges, 1 + length % 2);
        REQUIRE(counts);
        CHECK(counts->of("Aardvark") == 7);
        CHECK(counts->of("ab") == 10);
        CHECK(counts->of("abc") == 100);
    }
}

TEST_CASE("a file that is not there is named")
{
    const auto ranges = ranges_of({"/nonexistent/ng"}, 10);
    REQUIRE_FALSE(ranges);
    CHECK(ranges.error().what.find("/nonexistent/ng") != std::string::npos);
}
