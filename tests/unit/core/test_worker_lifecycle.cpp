// SPDX-License-Identifier: MIT
#include <string_view>

#include <doctest/doctest.h>

#include "daemon/core/worker_lifecycle.hpp"

using namespace jobmill::core;

namespace {

using S = WorkerState;
using W = WorkerWord;

/// Why a word changes nothing in a state; empty where it must change something. Written down apart
/// from the table, so that a row added or lost by mistake is noticed.
std::string_view why_ignored(S state, W word)
{
    const bool ready = state != S::gone && state != S::forking && state != S::starting;
    const bool waits = state == S::starting || state == S::idle || state == S::cancelling ||
                       state == S::terminating || state == S::dismissed || state == S::killed;
    const bool holds =
        state == S::busy || state == S::cancelling || state == S::terminating || state == S::reaped;
    const bool named =
        state != S::gone && state != S::forking && state != S::reaped && state != S::condemned;
    switch (word) {
        case W::fork:
            return state == S::gone ? "" : "the slot is not empty";
        case W::forked:
        case W::fork_failed:
            return state == S::forking ? "" : "the hello has overtaken it, or it is told twice";
        case W::ready:
            return state == S::forking || state == S::starting ? ""
                   : ready ? "it has said so, or has to leave all the same"
                           : "nobody is there";
        case W::offered:
            return state == S::idle ? "" : "it holds jobs already, or is offered none";
        case W::emptied:
            return holds ? "" : "it holds none";
        case W::cancel:
            return state == S::busy || state == S::cancelling ? "" : "runs none, or has to leave";
        case W::deaf:
            return state == S::cancelling ? "" : "nobody waits for it to look";
        case W::relieved:
            return state == S::cancelling ? "" : "nothing was cancelled, or SIGTERM was sent";
        case W::dismiss:
            return state == S::starting || state == S::idle ? "" : "may finish, or has to leave";
        case W::evict:
            return state == S::busy || state == S::cancelling ? "" : "runs none, or has to leave";
        case W::kill:
            return named && state != S::killed ? "" : "nobody to kill, or killed already";
        case W::deadline:
            return waits ? "" : "nothing is awaited from it";
        case W::exited:
            return lives(state) ? "" : "is gone already";
    }
    return "no such word";
}

}  // namespace

TEST_CASE("every word in every worker state has a row, or a reason to be ignored")
{
    for (std::size_t i = 0; i < worker_state_count; ++i) {
        for (std::size_t j = 0; j < worker_word_count; ++j) {
            CAPTURE(i);
            CAPTURE(j);
            const auto state = static_cast<S>(i);
            const auto word = static_cast<W>(j);
            CHECK(row_of(state, word).has_value() == why_ignored(state, word).empty());
        }
    }
}

TEST_CASE("a worker's row is found under its own state and word")
{
    for (const WorkerRow& row : worker_rows) {
        const auto found = row_of(row.from, row.on);
        REQUIRE(found.has_value());
        CHECK(found->from == row.from);
        CHECK(found->on == row.on);
        CHECK(found->to == row.to);
    }
}

TEST_CASE("only an idle or a busy worker takes jobs")
{
    for (std::size_t i = 0; i < worker_state_count; ++i) {
        const auto state = static_cast<S>(i);
        CHECK(takes_jobs(state) == (state == S::idle || state == S::busy));
    }
}
