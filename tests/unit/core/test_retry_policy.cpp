// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/core/retry_policy.hpp"

using namespace jobmill;
using namespace jobmill::core;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// The longest that can be waited for the next attempt; the dice are never thrown so high.
std::optional<Duration> longest_wait(const JobTerms& terms, JobState ended, std::uint32_t attempts)
{
    return next_attempt(terms, ended, {.attempts = attempts}, 0.0);
}

}  // namespace

TEST_CASE("each cause has its own number of further attempts")
{
    const JobTerms terms{.retry_crash = 2, .retry_timeout = 1, .retry_failure = 0};
    CHECK(longest_wait(terms, JobState::crashed, 1).has_value());
    CHECK(longest_wait(terms, JobState::crashed, 2).has_value());
    CHECK_FALSE(longest_wait(terms, JobState::crashed, 3).has_value());
    CHECK(longest_wait(terms, JobState::timed_out, 1).has_value());
    CHECK_FALSE(longest_wait(terms, JobState::timed_out, 2).has_value());
    CHECK_FALSE(longest_wait(terms, JobState::failed, 1).has_value());
}

TEST_CASE("attempts that ended otherwise count, too")
{
    const JobTerms terms{.retry_crash = 1, .retry_failure = 1};
    CHECK(longest_wait(terms, JobState::crashed, 1).has_value());
    CHECK_FALSE(longest_wait(terms, JobState::failed, 2).has_value());
}

TEST_CASE("who succeeded, was cancelled or waited too long is not tried again")
{
    const JobTerms terms{.retry_crash = 9, .retry_timeout = 9, .retry_failure = 9};
    CHECK_FALSE(longest_wait(terms, JobState::succeeded, 1).has_value());
    CHECK_FALSE(longest_wait(terms, JobState::cancelled, 1).has_value());
    CHECK_FALSE(longest_wait(terms, JobState::expired, 1).has_value());
}

TEST_CASE("the wait doubles from attempt to attempt, up to the longest")
{
    const JobTerms terms{
        .retry_failure = 1000, .backoff = milliseconds{100}, .longest_backoff = milliseconds{700}};
    CHECK(longest_wait(terms, JobState::failed, 1) == milliseconds{100});
    CHECK(longest_wait(terms, JobState::failed, 2) == milliseconds{200});
    CHECK(longest_wait(terms, JobState::failed, 3) == milliseconds{400});
    CHECK(longest_wait(terms, JobState::failed, 4) == milliseconds{700});
    CHECK(longest_wait(terms, JobState::failed, 1000) == milliseconds{700});
}

TEST_CASE("the first wait is not longer than the longest")
{
    const JobTerms terms{
        .retry_failure = 1, .backoff = seconds{10}, .longest_backoff = milliseconds{5}};
    CHECK(longest_wait(terms, JobState::failed, 1) == milliseconds{5});
}

TEST_CASE("waits of any length do not overflow")
{
    const JobTerms terms{.retry_failure = 1000,
                         .backoff = Duration::max() / 2 + Duration{1},
                         .longest_backoff = Duration::max()};
    CHECK(longest_wait(terms, JobState::failed, 500) == Duration::max());
}

TEST_CASE("chance takes away up to half of the wait")
{
    const JobTerms terms{.retry_failure = 1, .backoff = milliseconds{100}};
    for (const double chance : {0.0, 0.25, 0.5, 0.999999}) {
        const auto wait = next_attempt(terms, JobState::failed, {.attempts = 1}, chance);
        REQUIRE(wait.has_value());
        CHECK(*wait > milliseconds{49});
        CHECK(*wait <= milliseconds{100});
    }
    CHECK(next_attempt(terms, JobState::failed, {.attempts = 1}, 0.5) == milliseconds{75});
}

TEST_CASE("a job is poison from the pool's number of crashes on, whatever it asked for")
{
    const PoolTerms pool{.poison_after = 3};
    CHECK_FALSE(is_poison({.attempts = 9, .crashes = 2}, pool));
    CHECK(is_poison({.attempts = 3, .crashes = 3}, pool));
    CHECK(is_poison({.attempts = 9, .crashes = 4}, pool));
    CHECK_FALSE(is_poison({.attempts = 9, .crashes = 9}, PoolTerms{.poison_after = no_bound}));
}
