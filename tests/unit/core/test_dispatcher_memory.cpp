// SPDX-License-Identifier: MIT
// Counts what this test program allocates, so that a job in the steady state can be shown to cost
// nothing.
#include <cstdlib>
#include <new>

#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"

namespace {

std::uint64_t allocations = 0;

}  // namespace

void* operator new(std::size_t size)
{
    ++allocations;
    void* memory = std::malloc(size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

void operator delete(void* memory) noexcept
{
    std::free(memory);
}

void operator delete(void* memory, std::size_t /*size*/) noexcept
{
    std::free(memory);
}

using namespace jobmill;
using namespace jobmill::core;

TEST_CASE_FIXTURE(Conversation, "a steady stream of jobs allocates nothing")
{
    serve(4, 8);
    Effects effects;
    std::uint64_t job = 0;
    const auto round = [&] {
        effects.clear();
        for (int i = 0; i < 40; ++i) {
            dispatcher.on(JobSubmitted{.job = JobId{++job}, .session = SessionId{1}, .pool = pool},
                          now, effects);
        }
        dispatcher.on(CancelRequested{.job = JobId{job}}, now, effects);
        // Each result lets more be offered, until all are.
        for (std::size_t i = 0; i < effects.size(); ++i) {
            if (const auto* offer = std::get_if<OfferJob>(&effects[i])) {
                const JobFinished word{.worker = offer->worker, .sequence = offer->sequence};
                dispatcher.on(word, now, effects);
            }
        }
    };
    for (int i = 0; i < 10; ++i) {
        round();
    }
    const std::uint64_t before = allocations;
    for (int i = 0; i < 1000; ++i) {
        round();
    }
    CHECK(allocations == before);
    CHECK(dispatcher.counts(pool).workers == 4);
    CHECK(dispatcher.unfinished_jobs() == 0);
}
