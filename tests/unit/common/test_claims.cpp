// SPDX-License-Identifier: MIT
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "common/claims.hpp"

using namespace jobmill;

namespace {

/// Lets two threads go on at the same moment: a thread that sleeps would come too late to race.
class Meeting {
public:
    void wait()
    {
        const unsigned here = arrived_.fetch_add(1) + 1;
        const unsigned both = here + here % 2;
        for (unsigned spins = 0; arrived_ < both; ++spins) {
            if (spins > 10'000) {
                std::this_thread::yield();
            }
        }
    }

private:
    std::atomic<unsigned> arrived_ = 0;
};

}  // namespace

TEST_CASE("an offered job is claimed once, and can then not be taken back")
{
    const auto layout = std::make_unique<SegmentLayout>();
    offer_claim(*layout, Sequence{5});
    CHECK(take_claim(*layout, Sequence{5}));
    CHECK_FALSE(take_claim(*layout, Sequence{5}));
    CHECK_FALSE(revoke_claim(*layout, Sequence{5}));
}

TEST_CASE("a job that was taken back can not be claimed")
{
    const auto layout = std::make_unique<SegmentLayout>();
    offer_claim(*layout, Sequence{5});
    CHECK(revoke_claim(*layout, Sequence{5}));
    CHECK_FALSE(take_claim(*layout, Sequence{5}));
}

TEST_CASE("what was never offered belongs to nobody")
{
    const auto layout = std::make_unique<SegmentLayout>();
    CHECK_FALSE(take_claim(*layout, Sequence{0}));
    CHECK_FALSE(take_claim(*layout, Sequence{5}));
    CHECK_FALSE(revoke_claim(*layout, Sequence{5}));
}

TEST_CASE("an older sequence of the same word can not be claimed")
{
    const auto layout = std::make_unique<SegmentLayout>();
    offer_claim(*layout, Sequence{5});
    offer_claim(*layout, Sequence{5 + claim_slot_count});
    CHECK_FALSE(take_claim(*layout, Sequence{5}));
    CHECK_FALSE(revoke_claim(*layout, Sequence{5}));
    CHECK(take_claim(*layout, Sequence{5 + claim_slot_count}));
}

TEST_CASE("of a claim and a take-back at the same moment exactly one wins")
{
    constexpr std::uint64_t sequences = 100'000;
    const auto layout = std::make_unique<SegmentLayout>();
    std::vector<std::uint8_t> claimed(sequences + claim_slot_count);
    std::vector<std::uint8_t> revoked(sequences + claim_slot_count);
    Meeting meeting;
    // Both go through the offered jobs: in every second round in the same order, to collide at
    // each, else from both ends, as a daemon does that takes back from the tail.
    const auto race = [&](auto swap, std::vector<std::uint8_t>& won, bool offers) {
        for (std::uint64_t start = 1; start <= sequences; start += claim_slot_count) {
            if (offers) {
                for (std::uint64_t i = 0; i < claim_slot_count; ++i) {
                    offer_claim(*layout, Sequence{start + i});
                }
            }
            meeting.wait();
            const bool backwards = offers && (start / claim_slot_count) % 2 == 0;
            for (std::uint64_t i = 0; i < claim_slot_count; ++i) {
                const std::uint64_t at = start + (backwards ? claim_slot_count - 1 - i : i);
                won[at - 1] = swap(*layout, Sequence{at}) ? 1U : 0U;
            }
            meeting.wait();
        }
    };
    std::thread worker{[&] { race(take_claim, claimed, false); }};
    race(revoke_claim, revoked, true);
    worker.join();

    std::uint64_t wrong = 0;
    for (std::uint64_t i = 0; i < sequences; ++i) {
        wrong += (claimed[i] != 0) != (revoked[i] != 0) ? 0U : 1U;
    }
    CHECK(wrong == 0);
}
