// SPDX-License-Identifier: MIT
// How many batches a user may have, and which count.
#include <string>

#include <doctest/doctest.h>

#include "daemon/batches.hpp"

using namespace jobmill;
using daemon::Batches;
using daemon::BatchSeat;

namespace {

constexpr unsigned user = 1000;
constexpr SessionId session{1};

struct Fixture {
    /// A batch with an unfinished job, made by the session.
    core::BatchId begin(const std::string& name)
    {
        auto seat = batches.join(user, name, "now,fail=1");
        REQUIRE(seat);
        const core::BatchId batch = seat->batch();
        batches.accepted(*seat, session);
        return batch;
    }
    /// It gives up and is over, once its session is gone.
    void give_up(core::BatchId batch)
    {
        batches.halted(batch);
        batches.job_ended(batch);
    }
    void begin_many(std::size_t count, const std::string& prefix)
    {
        for (std::size_t i = 0; i < count; ++i) {
            begin(prefix + std::to_string(i));
        }
    }

    Batches batches{[](const core::Event&) {}, [](core::BatchId) { return core::BatchCounts{}; }};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "one batch too many is told the limit and when to come again")
{
    begin_many(Batches::most_per_user, "b");
    CHECK(batches.join(user, "b7", ""));  // one that is there
    CHECK(batches.join(user + 1, "another", ""));
    const auto refused = batches.join(user, "another", "");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == error_code::busy);
    CHECK(refused.error().limit == Batches::most_per_user);
    CHECK(refused.error().retry_after_ms > 0U);
}

TEST_CASE_FIXTURE(Fixture, "batches that are only remembered take no room")
{
    for (std::size_t i = 0; i < Batches::most_past; ++i) {
        give_up(begin("past" + std::to_string(i)));
    }
    batches.session_lost(session);
    REQUIRE(batches.count_of(user) == Batches::most_past);
    CHECK(batches.join(user, "past7", "").error().code == error_code::halted);

    begin_many(Batches::most_per_user, "b");
    CHECK(batches.join(user, "another", "").error().code == error_code::busy);
}
