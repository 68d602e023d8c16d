// SPDX-License-Identifier: MIT
// A job inside the core, from submission to its one end.
//
//   queued      in its pool's queue.
//   offered     sent to a worker. Whether the worker has claimed it is not known here, and need not
//               be as long as nobody wants it back.
//   recalled    the edge was asked to take it back, so that another worker may have it.
//   withdrawn   the edge was asked to take it back for good: it was cancelled.
//   claimed     taking it back failed: the worker runs it, or has finished it and its word is on
//   the
//               way.
//   cancelling  claimed, and cancelled.
//   evicting    claimed, and its worker is being ended because the daemon stops.
//   ended       told to the edge and forgotten.
//
// Only the answer to a RevokeClaim (won, lost) leads out of recalled and withdrawn, or the worker's
// own word: a complete result always wins. The death of a worker therefore never decides about an
// offered job: it is recalled first, and the answer says whether the job had begun.
#pragma once

#include <array>
#include <optional>

#include "daemon/core/effect.hpp"
#include "daemon/core/lifecycle.hpp"
#include "jobmill/job_state.hpp"

namespace jobmill::core {

enum class JobStage : std::uint8_t {
    queued,
    offered,
    recalled,
    withdrawn,
    claimed,
    cancelling,
    evicting,
    ended,
};
inline constexpr std::size_t job_stage_count = 8;

enum class JobWord : std::uint8_t {
    offer,      ///< a worker gets it
    recall,     ///< its worker should not start it
    cancel,     ///< a client wants it to end
    stop,       ///< the daemon wants it to end
    won,        ///< it was taken back
    lost,       ///< it could not be taken back
    succeeded,  ///< its worker's word
    failed,     ///< its worker's word
    died,       ///< its worker is dead and left no word
};
inline constexpr std::size_t job_word_count = 9;

/// How a job ends.
struct JobOutcome {
    JobState state = JobState::queued;  ///< not terminal: the job goes on
    EndedBy by = EndedBy::worker;
};

using JobRow = Transition<JobStage, JobWord, JobOutcome>;

// clang-format off
inline constexpr auto job_rows = [] {
    using enum JobStage; using enum JobWord;
    constexpr JobOutcome goes_on{};
    constexpr JobOutcome success{JobState::succeeded, EndedBy::worker};
    constexpr JobOutcome failure{JobState::failed, EndedBy::worker};
    constexpr JobOutcome crash{JobState::crashed, EndedBy::worker_death};
    constexpr JobOutcome cancel_queued{JobState::cancelled, EndedBy::cancel_queued};
    constexpr JobOutcome cancel_running{JobState::cancelled, EndedBy::cancel_running};
    constexpr JobOutcome stop_queued{JobState::cancelled, EndedBy::stop_queued};
    constexpr JobOutcome stop_running{JobState::cancelled, EndedBy::stop_running};
    return std::to_array<JobRow>({
        // from      on                   to          act
        {queued,     offer,               offered,    goes_on},
        {queued,     cancel,     ended,      cancel_queued},
        {queued,     stop,                ended,      stop_queued},
        {offered,    recall,              recalled,   goes_on},
        {offered,    cancel,     withdrawn,  goes_on},
        {offered,    succeeded,           ended,      success},
        {offered,    failed,              ended,      failure},
        {recalled,   cancel,     withdrawn,  goes_on},
        {recalled,   won,                 queued,     goes_on},
        {recalled,   lost,                claimed,    goes_on},
        {recalled,   succeeded,           ended,      success},
        {recalled,   failed,              ended,      failure},
        {withdrawn,  won,                 ended,      cancel_queued},
        {withdrawn,  lost,                cancelling, goes_on},
        {withdrawn,  succeeded,           ended,      success},
        {withdrawn,  failed,              ended,      cancel_running},
        {claimed,    cancel,     cancelling, goes_on},
        {claimed,    stop,                evicting,   goes_on},
        {claimed,    succeeded,           ended,      success},
        {claimed,    failed,              ended,      failure},
        {claimed,    died,                ended,      crash},
        {cancelling, succeeded,           ended,      success},
        {cancelling, failed,              ended,      cancel_running},
        {cancelling, died,                ended,      cancel_running},
        {evicting,   succeeded,           ended,      success},
        {evicting,   failed,              ended,      stop_running},
        {evicting,   died,                ended,      stop_running},
    });
}();
// clang-format on

inline constexpr auto job_index = index_of<job_stage_count, job_word_count>(job_rows);

/// The row for that word in that stage, or none: the word changes nothing there.
[[nodiscard]] constexpr std::optional<JobRow> row_of(JobStage from, JobWord on) noexcept
{
    const std::uint8_t found =
        job_index.at(static_cast<std::size_t>(from)).at(static_cast<std::size_t>(on));
    if (found == 0) {
        return {};
    }
    return job_rows.at(found - 1U);
}

/// Whether it is certain that the worker has begun the job.
[[nodiscard]] constexpr bool begun(JobStage stage) noexcept
{
    return stage == JobStage::claimed || stage == JobStage::cancelling ||
           stage == JobStage::evicting;
}

/// Whether the answer to a RevokeClaim is awaited.
[[nodiscard]] constexpr bool asked_back(JobStage stage) noexcept
{
    return stage == JobStage::recalled || stage == JobStage::withdrawn;
}

namespace job_rules {

/// Whoever holds a job may always say how it ended.
consteval bool held_stages_take_results()
{
    for (auto stage : {JobStage::offered, JobStage::recalled, JobStage::withdrawn,
                       JobStage::claimed, JobStage::cancelling, JobStage::evicting}) {
        const auto success = row_of(stage, JobWord::succeeded);
        const auto failure = row_of(stage, JobWord::failed);
        if (!success || success->to != JobStage::ended ||
            success->act.state != JobState::succeeded || !failure ||
            failure->to != JobStage::ended) {
            return false;
        }
    }
    return true;
}

consteval bool outcomes_are_terminal_exactly_at_the_end()
{
    for (const JobRow& row : job_rows) {
        if ((row.to == JobStage::ended) != is_terminal(row.act.state)) {
            return false;
        }
    }
    return true;
}

/// A death decides only about jobs that had begun; every asked_back stage has both answers.
consteval bool deaths_and_answers_are_complete()
{
    for (std::size_t i = 0; i < job_stage_count; ++i) {
        const auto stage = static_cast<JobStage>(i);
        const bool answered =
            row_of(stage, JobWord::won).has_value() && row_of(stage, JobWord::lost).has_value();
        if (row_of(stage, JobWord::died).has_value() != begun(stage) ||
            answered != asked_back(stage)) {
            return false;
        }
    }
    return true;
}

consteval bool nothing_leaves_ended()
{
    for (const JobRow& row : job_rows) {
        if (row.from == JobStage::ended) {
            return false;
        }
    }
    return true;
}

}  // namespace job_rules

static_assert(unambiguous(job_rows));
static_assert(job_rules::held_stages_take_results());
static_assert(job_rules::outcomes_are_terminal_exactly_at_the_end());
static_assert(job_rules::deaths_and_answers_are_complete());
static_assert(job_rules::nothing_leaves_ended());

}  // namespace jobmill::core
