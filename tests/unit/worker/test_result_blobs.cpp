// SPDX-License-Identifier: MIT
#include <sys/stat.h>

#include <utility>

#include <doctest/doctest.h>

#include "common/blob.hpp"
#include "worker/result_blobs.hpp"

namespace jobmill::test {
namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint32_t anna = 1000;
constexpr std::uint32_t bert = 1001;

ino_t inode_of(const ResultBlobs::Room& room)
{
    struct stat status {};
    REQUIRE(::fstat(room.blob.get(), &status) == 0);
    CHECK(static_cast<std::uint64_t>(status.st_size) == room.size);
    return status.st_ino;
}

ResultBlobs::Room room_for(ResultBlobs& blobs, std::uint64_t size, std::uint32_t user = anna)
{
    auto room = blobs.take(size, user);
    REQUIRE(room);
    CHECK(check_blob(room->blob.get(), size));
    return std::move(*room);
}

/// A result of that job is made and sent; its memory.
ino_t send(ResultBlobs& blobs, std::uint64_t job, std::uint64_t size = mebibyte,
           std::uint32_t user = anna, std::uint64_t now = second)
{
    auto room = room_for(blobs, size, user);
    const ino_t inode = inode_of(room);
    blobs.sent(std::move(room), JobId{job}, user, now);
    return inode;
}

}  // namespace

TEST_CASE("a result that was returned makes room for the next, one that was not does not")
{
    ResultBlobs blobs;
    const ino_t first = send(blobs, 1);
    const ino_t second_one = send(blobs, 2);
    CHECK(second_one != first);
    blobs.returned(JobId{1});
    CHECK(send(blobs, 3) == first);
    const ino_t fourth = send(blobs, 4);
    CHECK(fourth != first);
    CHECK(fourth != second_one);
}

TEST_CASE("a result is returned once, under the number of the job that had the memory last")
{
    ResultBlobs blobs;
    const ino_t first = send(blobs, 1);
    blobs.returned(JobId{1});
    CHECK(send(blobs, 2) == first);
    blobs.returned(JobId{1});
    blobs.returned(JobId{77});
    CHECK(send(blobs, 3) != first);
}

TEST_CASE("nobody gets memory that was another user's")
{
    ResultBlobs blobs;
    const ino_t annas = send(blobs, 1);
    blobs.returned(JobId{1});
    CHECK(send(blobs, 2, mebibyte, bert) != annas);
    CHECK(send(blobs, 3) == annas);
}

TEST_CASE("a result gets the smallest memory that it fits in, and no more than twice its size")
{
    ResultBlobs blobs;
    const ino_t large = send(blobs, 1, 4 * mebibyte);
    const ino_t middle = send(blobs, 2, 3 * mebibyte);
    const ino_t small = send(blobs, 3, mebibyte);
    for (const std::uint64_t job : {1U, 2U, 3U}) {
        blobs.returned(JobId{job});
    }
    CHECK(send(blobs, 4, 2 * mebibyte) == middle);
    CHECK(send(blobs, 5, 2 * mebibyte) == large);
    CHECK(send(blobs, 6, mebibyte / 2 - 1) != small);
    CHECK(send(blobs, 7, mebibyte + 1) != small);
    CHECK(send(blobs, 8, mebibyte / 2) == small);
}

TEST_CASE("memory of an odd size is too large for a result of less than half of it")
{
    ResultBlobs blobs;
    const ino_t odd = send(blobs, 1, 200'001);
    blobs.returned(JobId{1});
    CHECK(send(blobs, 2, 100'000) != odd);
    CHECK(send(blobs, 3, 100'001) == odd);
}

TEST_CASE("what is kept is bounded in bytes, in number and in time")
{
    ResultBlobs blobs{{.bytes = 4 * mebibyte, .count = 3, .age_ns = second}};
    SUBCASE("bytes")
    {
        (void)send(blobs, 1, 2 * mebibyte);
        (void)send(blobs, 2, 2 * mebibyte);
        CHECK(blobs.count() == 2);
        (void)send(blobs, 3, 3 * mebibyte);
        CHECK(blobs.count() == 1);
        (void)send(blobs, 4, 5 * mebibyte);
        CHECK(blobs.empty());
    }
    SUBCASE("number")
    {
        for (std::uint64_t job = 1; job <= 5; ++job) {
            (void)send(blobs, job);
        }
        CHECK(blobs.count() == 3);
    }
    SUBCASE("time")
    {
        (void)send(blobs, 1, mebibyte, anna, second);
        (void)send(blobs, 2, mebibyte, anna, second + second / 2);
        blobs.trim(2 * second - 1);
        CHECK(blobs.count() == 2);
        blobs.trim(2 * second);
        CHECK(blobs.count() == 1);
        blobs.clear();
        CHECK(blobs.empty());
    }
}

}  // namespace jobmill::test
