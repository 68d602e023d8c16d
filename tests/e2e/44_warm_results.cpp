// SPDX-License-Identifier: MIT
// The memory of results that were given back holds later ones, of the same user.
#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "jobmill/client.hpp"
#include "tests/e2e/users_daemon.hpp"

namespace jobmill::tests {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20U;

Client connect(const Daemon& daemon)
{
    auto client = Client::connect(daemon.socket(), {.result_blobs = true});
    REQUIRE(client);
    return std::move(*client);
}

event::JobResult result_of(Client& client, std::string_view handler, std::size_t size)
{
    const std::string digits = std::to_string(size);
    const auto tag = client.submit({.handler = handler, .payload = bytes_of(digits)});
    REQUIRE(tag);
    auto answer = client.answer(*tag);
    REQUIRE_MESSAGE(answer, answer.error().what);
    auto result = std::get<event::JobResult>(std::move(*answer));
    REQUIRE(result.state == JobState::succeeded);
    REQUIRE(result.blob);
    CHECK(result.blob.bytes().size() == size);
    return result;
}

event::JobResult big(Client& client, std::size_t size = mebibyte)
{
    return result_of(client, "big", size);
}

/// Of the blob that the result lies in.
std::uint64_t inode_of(const event::JobResult& result)
{
    const auto wanted = reinterpret_cast<std::uintptr_t>(result.blob.bytes().data());
    std::ifstream maps{"/proc/self/maps"};
    for (std::string line; std::getline(maps, line);) {
        // begin-end permissions offset device inode path
        std::istringstream words{line};
        std::uintptr_t begin = 0;
        std::uintptr_t end = 0;
        char dash = 0;
        std::string skipped;
        std::uint64_t inode = 0;
        words >> std::hex >> begin >> dash >> end >> skipped >> skipped >> skipped >> std::dec >>
            inode;
        if (words && begin <= wanted && wanted < end) {
            return inode;
        }
    }
    FAIL("the result is not mapped");
    return 0;
}

std::uint64_t inode_of_next(Client& client, std::size_t size = mebibyte)
{
    return inode_of(big(client, size));
}

}  // namespace

TEST_CASE("what a result lay in holds the next one when it was given back, and not before")
{
    const Daemon daemon{pool_config(1)};
    Client client = connect(daemon);
    const std::uint64_t first = inode_of_next(client);
    {
        const event::JobResult held = big(client);
        CHECK(inode_of(held) == first);
        const std::uint64_t beside = inode_of_next(client);
        CHECK(beside != first);
        CHECK(inode_of_next(client) == beside);
        CHECK(inode_of_next(client, mebibyte / 2) == beside);
        CHECK(held.blob.bytes().back() == std::byte{'b'});
    }
    const std::uint64_t next = inode_of_next(client);
    CHECK(inode_of_next(client) == next);
    CHECK(inode_of_next(client, 3 * mebibyte) != next);
}

TEST_CASE("a handler that makes its result in place begins with zeros, whatever was there")
{
    const Daemon daemon{pool_config(1)};
    Client client = connect(daemon);
    const std::uint64_t first = inode_of_next(client);
    const event::JobResult blank = result_of(client, "blank", mebibyte - 5);
    CHECK(inode_of(blank) == first);
    const ByteView bytes = blank.blob.bytes();
    CHECK(std::count(bytes.begin(), bytes.end(), std::byte{}) == mebibyte - 5);
}

TEST_CASE("another session of the user gets what was given back, not what a client left behind")
{
    const Daemon daemon{pool_config(1)};
    Client client = connect(daemon);
    std::uint64_t left = 0;
    {
        Client vanishes = connect(daemon);
        const event::JobResult held = big(vanishes);
        left = inode_of(held);
    }
    const std::uint64_t first = inode_of_next(client);
    CHECK(first != left);
    Client other = connect(daemon);
    {
        // The first one tells what it has given back with what it says next.
        const auto tag = client.ping();
        REQUIRE(tag);
        REQUIRE(client.answer(*tag));
    }
    CHECK(inode_of_next(other) == first);
}

TEST_CASE("another user's result never lies where one lay before")
{
    const UsersDaemon daemon{pool_config(1)};
    const auto connect_as = [&](uid_t uid) {
        const AsUser user{uid, {}};
        return connect(daemon);
    };
    Client anna = connect_as(4711);
    Client bert = connect_as(4712);
    const std::uint64_t annas = inode_of_next(anna);
    CHECK(inode_of_next(anna) == annas);
    {
        const auto tag = anna.ping();
        REQUIRE(tag);
        REQUIRE(anna.answer(*tag));
    }
    CHECK(inode_of_next(bert) != annas);
    CHECK(inode_of_next(anna) == annas);
}

}  // namespace jobmill::tests
