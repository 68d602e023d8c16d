// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <fstream>

#include <doctest/doctest.h>

#include "common/blob.hpp"
#include "worker/mapping_cache.hpp"

namespace jobmill::test {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20U;
constexpr std::uint64_t second = 1'000'000'000;
constexpr auto read_only = Mapping::Access::read;
constexpr auto writable = Mapping::Access::write;

UniqueFd blob_of(std::string_view text, std::size_t size = mebibyte)
{
    auto blob = make_blob(size);
    REQUIRE(blob);
    REQUIRE(write_blob(blob->get(), 0, bytes_of(text)));
    return std::move(*blob);
}

std::span<std::byte> mapped(MappingCache& cache, const UniqueFd& blob,
                            Mapping::Access access = read_only, std::size_t size = mebibyte)
{
    const auto bytes = cache.map(blob.get(), size, access);
    REQUIRE(bytes);
    CHECK(bytes->size() == size);
    return *bytes;
}

std::string text_at(std::span<std::byte> bytes, std::size_t size)
{
    return std::string{text_of(bytes.first(size))};
}

/// Mappings of blobs that this process has.
std::ptrdiff_t mappings()
{
    std::ifstream maps{"/proc/self/maps"};
    std::ptrdiff_t count = 0;
    for (std::string line; std::getline(maps, line);) {
        count += line.find("memfd:jobmill-blob") == std::string::npos ? 0 : 1;
    }
    return count;
}

}  // namespace

TEST_CASE("a blob that comes again, by whatever descriptor, is mapped already")
{
    MappingCache cache;
    const UniqueFd one = blob_of("one");
    const UniqueFd other = blob_of("other");
    const auto first = mapped(cache, one);
    CHECK(text_at(first, 3) == "one");
    CHECK(text_at(mapped(cache, other), 5) == "other");
    cache.trim(second);
    const UniqueFd same{::dup(one.get())};
    CHECK(mapped(cache, same).data() == first.data());
    CHECK(mapped(cache, same, read_only, 10).data() == first.data());
    CHECK(cache.count() == 2);
    CHECK(cache.bytes() == 2 * mebibyte);
    CHECK(mappings() == 2);
    cache.clear();
    CHECK(cache.empty());
    CHECK(mappings() == 0);
}

TEST_CASE("who wants to write does not get what is only to be read, nor the other way round")
{
    MappingCache cache;
    const UniqueFd blob = blob_of("text");
    const auto to_read = mapped(cache, blob);
    const auto to_write = mapped(cache, blob, writable);
    CHECK(to_read.data() != to_write.data());
    to_write[0] = std::byte{'n'};
    CHECK(text_at(to_read, 4) == "next");
}

TEST_CASE("the number of a blob that is gone is no other's while it is mapped")
{
    MappingCache cache;
    const auto gone = mapped(cache, blob_of("gone"));
    for (int i = 0; i < 100; ++i) {
        CHECK(text_at(mapped(cache, blob_of("new")), 3) == "new");
        CHECK(text_at(gone, 4) == "gone");
    }
}

TEST_CASE("more than there is cannot be mapped")
{
    MappingCache cache;
    const UniqueFd blob = blob_of("");
    CHECK_FALSE(cache.map(blob.get(), mebibyte + 1, read_only));
    CHECK_FALSE(cache.map(blob.get(), 0, read_only));
    CHECK_FALSE(cache.map(-1, 1, read_only));
    CHECK(cache.empty());
}

TEST_CASE("what was used least recently goes first, when there are too many or too many bytes")
{
    MappingCache::Budget budget;
    SUBCASE("bytes")
    {
        budget.bytes = 2 * mebibyte;
    }
    SUBCASE("count")
    {
        budget.count = 2;
    }
    MappingCache cache{budget};
    const UniqueFd a = blob_of("a");
    const UniqueFd b = blob_of("b");
    const UniqueFd c = blob_of("c");
    const auto kept = mapped(cache, a);
    (void)mapped(cache, b);
    (void)mapped(cache, a);
    (void)mapped(cache, c);
    CHECK(cache.count() == 3);  // while a job may use them
    cache.trim(second);
    CHECK(cache.count() == 2);
    CHECK(mappings() == 2);
    CHECK(mapped(cache, a).data() == kept.data());
    CHECK(cache.count() == 2);
    (void)mapped(cache, b);
    CHECK(cache.count() == 3);
}

TEST_CASE("one that is beyond the budget alone is not kept")
{
    MappingCache cache{{.bytes = mebibyte}};
    (void)mapped(cache, blob_of("", mebibyte + 1));
    cache.trim(second);
    CHECK(cache.empty());
}

TEST_CASE("what was not used for a while goes, what was stays")
{
    MappingCache cache{{.age_ns = 2 * second}};
    const UniqueFd old = blob_of("");
    const UniqueFd used = blob_of("");
    (void)mapped(cache, old);
    (void)mapped(cache, used);
    cache.trim(10 * second);
    (void)mapped(cache, used);
    cache.trim(11 * second);
    CHECK(cache.count() == 2);
    cache.trim(12 * second);
    CHECK(cache.count() == 1);
    const auto kept = mapped(cache, used);
    CHECK(cache.count() == 1);
    CHECK(!kept.empty());
    cache.trim(13 * second);
    cache.trim(15 * second);
    CHECK(cache.empty());
}

}  // namespace jobmill::test
