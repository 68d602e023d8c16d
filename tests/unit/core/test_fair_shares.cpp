// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/core/fair_shares.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

constexpr UserId anna{1};
constexpr UserId bert{2};

/// So many jobs of ten, whose turn has come.
void serve_in_turn(Rivals<UserId>& users, Account& account, int jobs)
{
    for (int i = 0; i < jobs; ++i) {
        users.serve(account, 10);
        account.begin(10);
    }
}

}  // namespace

TEST_CASE("what is served counts, and is corrected when it is known")
{
    Rivals<UserId> users;
    Account& hers = users.enter(anna);
    users.serve(hers, 10);
    CHECK(users.spent(anna) == 10);
    hers.correct(10, 25);
    CHECK(users.spent(anna) == 25);
    hers.correct(25, 0);
    CHECK(users.spent(anna) == 0);
}

TEST_CASE("who comes later begins where those are that are served now")
{
    Rivals<UserId> users;
    Account& hers = users.enter(anna);
    serve_in_turn(users, hers, 100);
    users.enter(bert);
    CHECK(users.spent(bert) == 990);  // what anna had had when she was served last
    CHECK(users.spent(anna) == 1000);
}

TEST_CASE("who comes later does not wait for what others hold ahead")
{
    Rivals<UserId> users;
    Account& hers = users.enter(anna);
    serve_in_turn(users, hers, 50);
    for (int i = 0; i < 50; ++i) {
        users.serve(hers, 10);
    }
    users.enter(bert);
    CHECK(users.spent(bert) == 500);
    CHECK(users.spent(anna) == 1000);
    hers.begin(10);
    hers.correct(10, 0);  // taken back
    CHECK(users.spent(anna) == 990);
    CHECK(users.spent(bert) == 500);
}

TEST_CASE("time passes with what is had, by as many as are there")
{
    Rivals<UserId> users;
    users.enter(anna);
    users.enter(bert);
    users.pass(101);
    CHECK(users.spent(UserId{3}) == 50);
}

TEST_CASE("nobody saves up while he has nothing to do")
{
    Rivals<UserId> users;
    Account& his = users.enter(bert);
    users.leave(his);
    Account& hers = users.enter(anna);
    serve_in_turn(users, hers, 100);
    users.enter(bert);
    CHECK(users.spent(bert) == 990);
}

TEST_CASE("nobody saves up while he has jobs that may not begin")
{
    Rivals<UserId> users;
    users.enter(bert);
    Account& hers = users.enter(anna);
    serve_in_turn(users, hers, 100);
    users.come_back(bert);
    CHECK(users.spent(bert) == 990);
    users.come_back(anna);
    CHECK(users.spent(anna) == 1000);
}

TEST_CASE("who has had more than his share still has when he comes back")
{
    Rivals<UserId> users;
    Account& hers = users.enter(anna);
    Account& his = users.enter(bert);
    users.serve(hers, 10);
    hers.correct(10, 5000);
    users.leave(hers);
    users.serve(his, 10);
    users.enter(anna);
    CHECK(users.spent(anna) == 5000);
    CHECK(users.spent(bert) == 10);
}

TEST_CASE("who is never heard of again is forgotten some day")
{
    Rivals<UserId> users;
    Account& hers = users.enter(anna);
    users.serve(hers, 10);
    users.serve(hers, 10);
    for (std::uint32_t each = 100; each < 10'000; ++each) {
        users.leave(users.enter(UserId{each}));
    }
    CHECK(users.spent(UserId{100}) == users.spent(UserId{99}));  // as one that is unknown
    CHECK(users.spent(anna) == 20);
}

TEST_CASE("of many who came for a single job few are remembered, while one job goes on and on")
{
    Rivals<UserId> users;
    Account& hers = users.enter(anna);
    users.serve(hers, 10);
    for (std::uint32_t each = 100; each < 100'000; ++each) {
        Account& account = users.enter(UserId{each});
        users.serve(account, 10);
        users.leave(account);
    }
    CHECK(users.size() < 10'000);
}

TEST_CASE("a correction of more than was ever had leaves nothing")
{
    Rivals<UserId> users;
    Account& hers = users.enter(anna);
    users.serve(hers, 5);
    hers.correct(50, 7);
    CHECK(users.spent(anna) == 7);
}
