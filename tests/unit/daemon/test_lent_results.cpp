// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/lent_results.hpp"

using namespace jobmill;
using namespace jobmill::daemon;

namespace {

constexpr Submitter anna{.session = SessionId{1}, .uid = 1000};
constexpr Submitter annas_other{.session = SessionId{2}, .uid = 1000};
constexpr Submitter bert{.session = SessionId{3}, .uid = 1001};

Payload of_size(std::uint64_t size)
{
    return {.bytes = {}, .blob = {}, .size = size};
}

}  // namespace

TEST_CASE("what is lent comes back once, from who has it")
{
    LentResults lent;
    lent.lend(anna, JobId{7}, of_size(100));
    CHECK_FALSE(lent.take_back(bert, JobId{7}));
    CHECK_FALSE(lent.take_back(annas_other, JobId{7}));
    CHECK_FALSE(lent.take_back(anna, JobId{8}));
    const auto back = lent.take_back(anna, JobId{7});
    REQUIRE(back);
    CHECK(back->size == 100);
    CHECK_FALSE(lent.take_back(anna, JobId{7}));
    CHECK(lent.bytes() == 0);
}

TEST_CASE("a session has so many, a user and all so many bytes, one alone any number")
{
    LentResults lent{{.per_session = 2, .bytes_per_user = 100, .bytes = 150}};
    CHECK(lent.has_room(anna, 1000));
    lent.lend(anna, JobId{1}, of_size(40));
    CHECK(lent.has_room(anna, 60));
    CHECK_FALSE(lent.has_room(anna, 61));
    CHECK_FALSE(lent.has_room(annas_other, 61));
    CHECK(lent.has_room(bert, 110));
    CHECK_FALSE(lent.has_room(bert, 111));
    lent.lend(anna, JobId{2}, of_size(1));
    CHECK_FALSE(lent.has_room(anna, 1));
    CHECK(lent.has_room(annas_other, 1));
    REQUIRE(lent.take_back(anna, JobId{1}));
    CHECK(lent.has_room(anna, 99));
    lent.lend(annas_other, JobId{3}, of_size(1000));
    CHECK_FALSE(lent.has_room(anna, 0));
    CHECK_FALSE(lent.has_room(bert, 1));
}

TEST_CASE("a session that is gone has nothing more")
{
    LentResults lent{{.per_session = 2, .bytes_per_user = 100, .bytes = 150}};
    lent.lend(anna, JobId{1}, of_size(40));
    lent.lend(anna, JobId{2}, of_size(60));
    lent.lend(annas_other, JobId{3}, of_size(7));
    lent.forget(anna);
    lent.forget(anna);
    CHECK(lent.bytes() == 7);
    CHECK_FALSE(lent.take_back(anna, JobId{1}));
    CHECK(lent.has_room(anna, 93));
    CHECK_FALSE(lent.has_room(anna, 94));
}
