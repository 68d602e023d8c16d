// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>

#include <doctest/doctest.h>

#include "common/blob.hpp"

using namespace jobmill;

TEST_CASE("a blob holds what was written at each offset")
{
    const auto blob = make_blob(10);
    REQUIRE(blob.has_value());
    REQUIRE(write_blob(blob->get(), 0, bytes_of("hello")).has_value());
    REQUIRE(write_blob(blob->get(), 5, bytes_of("world")).has_value());
    std::array<std::byte, 6> read{};
    REQUIRE(read_blob(blob->get(), 2, read).has_value());
    CHECK(text_of(read) == "llowor");
    CHECK(check_blob(blob->get(), 10).has_value());
}

TEST_CASE("a blob neither grows nor shrinks, whoever holds it")
{
    const auto blob = make_blob(10);
    REQUIRE(blob.has_value());
    CHECK(::ftruncate(blob->get(), 5) != 0);
    CHECK(::ftruncate(blob->get(), 20) != 0);
    CHECK_FALSE(write_blob(blob->get(), 8, bytes_of("beyond")).has_value());
    CHECK(::fcntl(blob->get(), F_ADD_SEALS, F_SEAL_WRITE) != 0);
}

TEST_CASE("reading beyond the end of a blob is an error, not zeros")
{
    const auto blob = make_blob(4);
    REQUIRE(blob.has_value());
    std::array<std::byte, 5> read{};
    CHECK_FALSE(read_blob(blob->get(), 0, read).has_value());
}

TEST_CASE("a blob of another size than declared is refused")
{
    const auto blob = make_blob(10);
    REQUIRE(blob.has_value());
    const auto checked = check_blob(blob->get(), 11);
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().what ==
          "the memfd has 10 bytes, not the declared 11 or up to twice as many");
    CHECK_FALSE(check_blob(blob->get(), 4).has_value());
    CHECK_FALSE(check_blob(blob->get(), 0).has_value());
}

TEST_CASE("a blob may be up to twice as large as what is in it")
{
    const auto blob = make_blob(10);
    REQUIRE(blob.has_value());
    for (const std::uint64_t size : {10U, 9U, 5U}) {
        CHECK(check_blob(blob->get(), size).has_value());
    }
}

TEST_CASE("the least blob that is more than twice as large is refused")
{
    const auto blob = make_blob(11);
    REQUIRE(blob);
    CHECK_FALSE(check_blob(blob->get(), 5));
    CHECK(check_blob(blob->get(), 6));
    CHECK_FALSE(check_blob(blob->get(), 0));
}

TEST_CASE("a memfd that could still shrink is refused")
{
    const UniqueFd memory{::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    REQUIRE(::ftruncate(memory.get(), 10) == 0);
    CHECK_FALSE(check_blob(memory.get(), 10).has_value());
    REQUIRE(::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_GROW) == 0);
    CHECK_FALSE(check_blob(memory.get(), 10).has_value());
    REQUIRE(::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    CHECK(check_blob(memory.get(), 10).has_value());
}

TEST_CASE("what is no memfd is refused")
{
    const UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    CHECK_FALSE(check_blob(null.get(), 0).has_value());
    CHECK_FALSE(check_blob(-1, 0).has_value());
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const UniqueFd out{ends[0]};
    const UniqueFd in{ends[1]};
    CHECK_FALSE(check_blob(out.get(), 0).has_value());
}

TEST_CASE("a blob may be empty, and none can be larger than a file")
{
    const auto empty = make_blob(0);
    REQUIRE(empty.has_value());
    CHECK(check_blob(empty->get(), 0).has_value());
    CHECK_FALSE(make_blob(~std::uint64_t{0}).has_value());
}

TEST_CASE("a mapped blob shows what is written to it, and takes what is written there")
{
    for (const std::size_t size : {std::size_t{5000}, std::size_t{5} << 20U}) {
        const auto blob = make_blob(size);
        REQUIRE(blob.has_value());
        const auto written = map_blob(blob->get(), size, MapAccess::write, MapPages::at_once);
        const auto seen = map_blob(blob->get(), size, MapAccess::read, MapPages::as_touched);
        REQUIRE(written.has_value());
        REQUIRE(seen.has_value());
        CHECK(written->size() == size);
        written->back() = std::byte{7};
        CHECK(seen->back() == std::byte{7});
        REQUIRE(write_blob(blob->get(), 0, bytes_of("hello")).has_value());
        CHECK(text_of(written->first(5)) == "hello");
        CHECK(::munmap(written->data(), size) == 0);
        CHECK(::munmap(seen->data(), size) == 0);
    }
    CHECK(map_blob(-1, 100, MapAccess::read, MapPages::at_once).error().code == Errc::system);
}
