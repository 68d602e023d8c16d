// SPDX-License-Identifier: MIT
// Who of several has had least: users and sessions (Rivals), and pools (PoolShares).
#include <doctest/doctest.h>

#include "daemon/core/fair_shares.hpp"
#include "daemon/core/pool_shares.hpp"

using namespace jobmill;
using namespace jobmill::core;
using std::chrono::milliseconds;

namespace {

using Users = Rivals<UserId>;
constexpr UserId anne{1};
constexpr UserId bill{2};

}  // namespace

TEST_CASE("who is served has had more than who is not")
{
    Users users;
    users.enter(anne);
    users.enter(bill);
    users.serve(anne, 10);
    CHECK(users.spent(bill) < users.spent(anne));
}

TEST_CASE("who comes late begins where those are who are served, and owes nothing")
{
    Users users;
    users.enter(anne);
    for (int i = 0; i < 100; ++i) {
        users.serve(anne, 10);
    }
    CHECK(users.spent(bill) == 990);
    users.enter(bill);
    CHECK(users.spent(bill) == 990);
    CHECK(users.spent(anne) == 1000);
}

TEST_CASE("who leaves and comes back still has had what he had")
{
    Users users;
    users.enter(anne);
    users.serve(anne, 1000);
    users.leave(anne);
    users.enter(anne);
    CHECK(users.spent(anne) == 1000);
}

TEST_CASE("what was charged is put right when the true cost is known")
{
    Users users;
    users.enter(anne);
    users.serve(anne, 10);
    users.correct(anne, 10, 25);
    CHECK(users.spent(anne) == 25);
    users.correct(anne, 100, 1);
    CHECK(users.spent(anne) == 1);
    users.correct(bill, 10, 25);
    CHECK(users.spent(bill) == 0);
}

TEST_CASE("of many who have nothing to do those are forgotten who owe nothing")
{
    Users users;
    users.enter(anne);
    users.serve(anne, 1);
    users.correct(anne, 1, 500);
    users.leave(anne);
    for (std::uint32_t who = 10; who < 600; ++who) {
        users.enter(UserId{who});
        users.leave(UserId{who});
    }
    CHECK(users.spent(anne) == 500);
    CHECK(users.spent(UserId{10}) == 0);
}

TEST_CASE("pools of equal weight are served in turn")
{
    PoolShares shares;
    const auto next = [&] {
        const PoolId pool{
            static_cast<std::uint16_t>(shares.standing(PoolId{1}) < shares.standing(PoolId{0}))};
        shares.serve(pool, milliseconds{1}, 100);
        return number(pool);
    };
    CHECK(next() == 0);
    CHECK(next() == 1);
    CHECK(next() == 0);
    CHECK(next() == 1);
}

TEST_CASE("a pool of three times the weight is served three times as often")
{
    PoolShares shares;
    int heavy = 0;
    for (int i = 0; i < 400; ++i) {
        const bool is_heavy = shares.standing(PoolId{1}) <= shares.standing(PoolId{0});
        shares.serve(PoolId{is_heavy}, milliseconds{1}, is_heavy ? 300 : 100);
        heavy += is_heavy ? 1 : 0;
    }
    CHECK(heavy >= 298);
    CHECK(heavy <= 302);
}

TEST_CASE("a pool that had nothing to do saves nothing up")
{
    PoolShares shares;
    for (int i = 0; i < 100; ++i) {
        shares.serve(PoolId{0}, milliseconds{1}, 100);
    }
    CHECK(shares.standing(PoolId{0}) - shares.standing(PoolId{1}) == 1'000'000);
}
