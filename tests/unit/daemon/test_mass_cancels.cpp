// SPDX-License-Identifier: MIT
#include <set>

#include <doctest/doctest.h>

#include "daemon/mass_cancels.hpp"

namespace jobmill::daemon {
namespace {

constexpr unsigned ann = 1000;
constexpr unsigned bob = 1001;
constexpr std::size_t turn = MassCancels::jobs_a_turn;

std::vector<JobId> jobs(std::size_t from, std::size_t count)
{
    std::vector<JobId> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(JobId{from + i});
    }
    return all;
}

/// A core that does what it is told, and remembers.
struct Fixture {
    void begin(unsigned uid, std::vector<JobId> which)
    {
        cancels.begin({.uid = uid,
                       .jobs = std::move(which),
                       .unless_running = unless_running,
                       .before = [this](JobId job) { announced.push_back(job); },
                       .after = [this, uid] { over.push_back(uid); }});
    }

    bool unless_running = false;
    std::vector<JobId> announced;
    std::vector<JobId> cancelled;
    std::set<JobId> ended;
    std::set<unsigned> suspended;
    std::vector<unsigned> over;
    MassCancels cancels{
        {.post =
             [this](const core::Event& event) {
                 if (const auto* each = std::get_if<core::CancelRequested>(&event)) {
                     CHECK(each->unless_running == unless_running);
                     cancelled.push_back(each->job);
                     ended.insert(each->job);
                 } else if (const auto* user = std::get_if<core::UserSuspended>(&event)) {
                     if (user->suspended) {
                         suspended.insert(number(user->user));
                     } else {
                         suspended.erase(number(user->user));
                     }
                 }
             },
         .knows = [this](JobId job) { return !ended.contains(job); }}};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "as many as fit into a turn are cancelled at once, the youngest first")
{
    begin(ann, jobs(1, 3));
    CHECK(cancelled == std::vector{JobId{3}, JobId{2}, JobId{1}});
    CHECK(announced == cancelled);
    CHECK(over == std::vector{ann});
    CHECK(suspended.empty());
    CHECK(cancels.empty());
    begin(ann, {});
    CHECK(over.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "those that run are let be in each turn when the order says so")
{
    unless_running = true;
    begin(ann, jobs(1, 2 * turn));
    cancels.go_on();
    CHECK(cancelled == jobs(1, 2 * turn));
}

TEST_CASE_FIXTURE(Fixture, "more go over several turns, and their user is suspended meanwhile")
{
    begin(ann, jobs(1, 2 * turn + 1));
    CHECK(cancelled == jobs(1, turn));
    CHECK(suspended == std::set{ann});
    CHECK_FALSE(cancels.empty());
    cancels.go_on();
    CHECK(cancelled.size() == 2 * turn);
    CHECK(over.empty());
    cancels.go_on();
    CHECK(announced == jobs(1, 2 * turn + 1));
    CHECK(over == std::vector{ann});
    CHECK(suspended.empty());
    CHECK(cancels.empty());
    cancels.go_on();
    CHECK(over.size() == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "orders take turns, and a user is suspended until the last of his is through")
{
    begin(ann, jobs(1, 3 * turn));
    begin(bob, jobs(10'001, 2 * turn));
    begin(ann, jobs(20'001, 4 * turn));
    begin(bob, jobs(30'001, 1));  // a small one waits for none
    CHECK(over == std::vector{bob});
    while (over.size() < 3) {
        cancels.go_on();
    }
    CHECK(over == std::vector{bob, bob, ann});
    CHECK(suspended == std::set{ann});
    while (!cancels.empty()) {
        cancels.go_on();
    }
    CHECK(suspended.empty());
    CHECK(cancelled.size() == 9 * turn + 1);
}

TEST_CASE_FIXTURE(Fixture, "so many jobs a turn are looked at, whosever they are")
{
    constexpr std::size_t half = MassCancels::jobs_a_look / 2;
    CHECK(cancels.may_look(ann, half));
    CHECK(cancels.may_look(bob, half));
    CHECK_FALSE(cancels.may_look(ann, 1));
    cancels.go_on();
    CHECK(cancels.may_look(ann, 2 * half));
    CHECK_FALSE(cancels.may_look(bob, 2 * half + 1));
    // A look that was put off takes of the next turn's.
    cancels.put_off(ann, half, [] {});
    cancels.go_on();
    CHECK_FALSE(cancels.may_look(bob, half + 1));
    CHECK(cancels.may_look(bob, half));
    CHECK(suspended.empty());
}

TEST_CASE_FIXTURE(Fixture, "nobody looks at a user's jobs while an order of his is under way")
{
    begin(ann, jobs(1, 3 * turn));
    CHECK_FALSE(cancels.may_look(ann, 1));
    CHECK(cancels.may_look(bob, 1));
    std::vector<unsigned> looked;
    cancels.put_off(ann, 1, [&] {
        looked.push_back(ann);
        begin(ann, jobs(10'001, 2 * turn));
    });
    cancels.put_off(bob, 1, [&] { looked.push_back(bob); });
    cancels.go_on();
    CHECK(looked == std::vector{bob});
    CHECK(over.empty());
    // His first order is through, and nothing of his begins before what is found now.
    cancels.go_on();
    CHECK(looked == std::vector{bob, ann});
    CHECK(over == std::vector{ann});
    CHECK(suspended == std::set{ann});
    cancels.go_on();
    CHECK(over == std::vector{ann, ann});
    CHECK(suspended.empty());
    CHECK(cancels.empty());
}

TEST_CASE_FIXTURE(Fixture, "a look that finds nothing lets its user go")
{
    begin(ann, jobs(1, 2 * turn));
    cancels.put_off(ann, 1, [] {});
    CHECK(suspended == std::set{ann});
    cancels.go_on();
    CHECK(suspended.empty());
    CHECK(cancels.empty());
}

TEST_CASE_FIXTURE(Fixture, "what has ended meanwhile is passed over, and takes nobody's place")
{
    begin(ann, jobs(1, 3 * turn));
    for (const JobId job : jobs(turn + 1, turn)) {
        ended.insert(job);
    }
    cancels.go_on();
    CHECK(over == std::vector{ann});
    CHECK(cancelled.size() == 2 * turn);
}

}  // namespace jobmill::daemon
