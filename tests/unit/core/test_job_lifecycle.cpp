// SPDX-License-Identifier: MIT
#include <string_view>

#include <doctest/doctest.h>

#include "daemon/core/job_lifecycle.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

using S = JobStage;
using W = JobWord;

std::string_view why_ignored(S stage, W word)
{
    const bool free = stage == S::waiting || stage == S::queued;
    const bool held = !free && stage != S::ended;
    switch (word) {
        case W::due:
            return stage == S::waiting ? "" : "it does not wait";
        case W::expire:
            return free ? "" : "a worker has it";
        case W::offer:
            return stage == S::queued ? "" : "it is not in the queue";
        case W::recall:
            return stage == S::offered ? "" : "it is back, asked back, or has begun";
        case W::cancel:
            return free || stage == S::offered || stage == S::recalled || stage == S::waived ||
                           stage == S::claimed || stage == S::timing_out
                       ? ""
                       : "it is cancelled already, or as good as";
        case W::waive:
            return free || stage == S::offered || stage == S::recalled
                       ? ""
                       : "it runs, or is taken back for good";
        case W::timeout:
            return stage == S::claimed ? "" : "whether it had begun is asked first, or it ends";
        case W::stop:
            return free || stage == S::claimed ? "" : "it is called back first, or ends already";
        case W::won:
        case W::lost:
            return asked_back(stage) ? "" : "nobody asked";
        case W::succeeded:
        case W::failed:
            return held ? "" : "no worker holds it";
        case W::retry:
            return stage == S::offered || stage == S::recalled || stage == S::waived ||
                           stage == S::claimed || stage == S::timing_out
                       ? ""
                       : "no attempt has come to nothing, or nobody wants another";
        case W::died:
        case W::limited:
            return begun(stage) ? "" : "whether it had begun is asked first";
    }
    return "no such word";
}

}  // namespace

TEST_CASE("every word at every stage of a job has a row, or a reason to be ignored")
{
    for (std::size_t i = 0; i < job_stage_count; ++i) {
        for (std::size_t j = 0; j < job_word_count; ++j) {
            CAPTURE(i);
            CAPTURE(j);
            const auto stage = static_cast<S>(i);
            const auto word = static_cast<W>(j);
            CHECK(row_of(stage, word).has_value() == why_ignored(stage, word).empty());
        }
    }
}

TEST_CASE("a job's row is found under its own stage and word")
{
    for (const JobRow& row : job_rows) {
        const auto found = row_of(row.from, row.on);
        REQUIRE(found.has_value());
        CHECK(found->from == row.from);
        CHECK(found->on == row.on);
        CHECK(found->to == row.to);
    }
}
