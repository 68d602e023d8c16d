// SPDX-License-Identifier: MIT
// A job inside the core, from submission to its one end.
//
//   waiting     not to begin yet: it was submitted with a delay, or its next attempt has to wait.
//   queued      in its pool's queue.
//   offered     sent to a worker. Whether the worker has claimed it is not known here, and need not
//               be as long as nobody wants it back.
//   recalled    the edge was asked to take it back, so that another worker may have it.
//   waived      the edge was asked to take it back for good, if it has not begun.
//   withdrawn   the edge was asked to take it back for good: it was cancelled.
//   claimed     taking it back failed: the worker runs it, or has finished it and its word is on
//               the way.
//   cancelling  claimed, and cancelled.
//   timing_out  claimed, and its time is over.
//   evicting    claimed, and its worker is being ended because the daemon stops.
//   ended       told to the edge and forgotten.
//
// Only the answer to a RevokeClaim (won, lost) leads out of recalled, waived and withdrawn, or the
// worker's own word: a complete result always wins. The death of a worker therefore never decides
// about an offered job: it is recalled first, and the answer says whether the job had begun.
//
// An attempt that ends without success ends the job, unless the job has another attempt left: then
// whoever judges it says `retry` instead, and it waits for its turn. Who was cancelled, or is in a
// daemon that stops, has none left.
#pragma once

#include <array>
#include <string_view>

#include "daemon/core/effect.hpp"
#include "daemon/core/lifecycle.hpp"
#include "jobmill/job_state.hpp"

namespace jobmill::core {

enum class JobStage : std::uint8_t {
    waiting,
    queued,
    offered,
    recalled,
    waived,
    withdrawn,
    claimed,
    cancelling,
    timing_out,
    evicting,
    ended,
};
inline constexpr std::size_t job_stage_count = 11;
inline constexpr auto job_stage_names = std::to_array<std::string_view>(
    {"waiting", "queued", "offered", "recalled", "waived", "withdrawn", "claimed", "cancelling",
     "timing_out", "evicting", "ended"});

enum class JobWord : std::uint8_t {
    due,        ///< its wait is over
    expire,     ///< it has waited too long
    offer,      ///< a worker gets it
    recall,     ///< its worker should not start it
    cancel,     ///< a client wants it to end, or its batch gives up
    waive,      ///< a client wants it to end, if it does not run
    timeout,    ///< it has run too long, or shows no sign of life
    stop,       ///< the daemon wants it to end
    won,        ///< it was taken back
    lost,       ///< it could not be taken back
    succeeded,  ///< its worker's word
    failed,     ///< its worker's word
    died,       ///< its worker is dead and left no word
    limited,    ///< its worker is dead of a limit that the job had asked for
    retry,      ///< the attempt came to nothing, and it has another
};
inline constexpr std::size_t job_word_count = 15;
inline constexpr auto job_word_names = std::to_array<std::string_view>(
    {"due", "expire", "offer", "recall", "cancel", "waive", "timeout", "stop", "won", "lost",
     "succeeded", "failed", "died", "limited", "retry"});

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
    constexpr JobOutcome limit{JobState::failed, EndedBy::limit};
    constexpr JobOutcome late{JobState::timed_out, EndedBy::timeout};
    constexpr JobOutcome expiry{JobState::expired, EndedBy::deadline};
    constexpr JobOutcome cancelled{JobState::cancelled, EndedBy::cancel};
    constexpr JobOutcome stopped{JobState::cancelled, EndedBy::stop};
    return std::to_array<JobRow>({
        // from      on          to          act
        {waiting,    due,        queued,     goes_on},
        {waiting,    expire,     ended,      expiry},
        {waiting,    cancel,     ended,      cancelled},
        {waiting,    waive,      ended,      cancelled},
        {waiting,    stop,       ended,      stopped},
        {queued,     expire,     ended,      expiry},
        {queued,     offer,      offered,    goes_on},
        {queued,     cancel,     ended,      cancelled},
        {queued,     waive,      ended,      cancelled},
        {queued,     stop,       ended,      stopped},
        {offered,    recall,     recalled,   goes_on},
        {offered,    cancel,     withdrawn,  goes_on},
        {offered,    waive,      waived,     goes_on},
        {offered,    succeeded,  ended,      success},
        {offered,    failed,     ended,      failure},
        {offered,    retry,      waiting,    goes_on},
        {recalled,   cancel,     withdrawn,  goes_on},
        {recalled,   waive,      waived,     goes_on},
        {recalled,   won,        queued,     goes_on},
        {recalled,   lost,       claimed,    goes_on},
        {recalled,   succeeded,  ended,      success},
        {recalled,   failed,     ended,      failure},
        {recalled,   retry,      waiting,    goes_on},
        {waived,     cancel,     withdrawn,  goes_on},
        {waived,     won,        ended,      cancelled},
        {waived,     lost,       claimed,    goes_on},
        {waived,     succeeded,  ended,      success},
        {waived,     failed,     ended,      failure},
        {waived,     retry,      waiting,    goes_on},
        {withdrawn,  won,        ended,      cancelled},
        {withdrawn,  lost,       cancelling, goes_on},
        {withdrawn,  succeeded,  ended,      success},
        {withdrawn,  failed,     ended,      cancelled},
        {claimed,    cancel,     cancelling, goes_on},
        {claimed,    timeout,    timing_out, goes_on},
        {claimed,    stop,       evicting,   goes_on},
        {claimed,    succeeded,  ended,      success},
        {claimed,    failed,     ended,      failure},
        {claimed,    died,       ended,      crash},
        {claimed,    limited,    ended,      limit},
        {claimed,    retry,      waiting,    goes_on},
        {cancelling, succeeded,  ended,      success},
        {cancelling, failed,     ended,      cancelled},
        {cancelling, died,       ended,      cancelled},
        {cancelling, limited,    ended,      cancelled},
        {timing_out, cancel,     cancelling, goes_on},
        {timing_out, succeeded,  ended,      success},
        {timing_out, failed,     ended,      late},
        {timing_out, died,       ended,      late},
        {timing_out, limited,    ended,      late},
        {timing_out, retry,      waiting,    goes_on},
        {evicting,   succeeded,  ended,      success},
        {evicting,   failed,     ended,      stopped},
        {evicting,   died,       ended,      stopped},
        {evicting,   limited,    ended,      stopped},
    });
}();
// clang-format on

inline constexpr auto job_index = index_of<job_stage_count, job_word_count>(job_rows);

/// The row for that word in that stage, or none: the word changes nothing there.
[[nodiscard]] constexpr FoundRow<job_rows> row_of(JobStage from, JobWord on) noexcept
{
    return FoundRow<job_rows>{
        job_index.at(static_cast<std::size_t>(from)).at(static_cast<std::size_t>(on))};
}

/// Whether it is certain that the worker has begun the job.
[[nodiscard]] constexpr bool begun(JobStage stage) noexcept
{
    return stage == JobStage::claimed || stage == JobStage::cancelling ||
           stage == JobStage::timing_out || stage == JobStage::evicting;
}

/// Whether its worker has to stop it.
[[nodiscard]] constexpr bool unwanted(JobStage stage) noexcept
{
    return stage == JobStage::cancelling || stage == JobStage::timing_out;
}

/// Whether no worker holds it.
[[nodiscard]] constexpr bool unassigned(JobStage stage) noexcept
{
    return stage == JobStage::waiting || stage == JobStage::queued;
}

/// As a client sees it.
[[nodiscard]] constexpr JobState state_of(JobStage stage) noexcept
{
    return stage == JobStage::waiting  ? JobState::waiting
           : stage == JobStage::queued ? JobState::queued
                                       : JobState::running;
}

/// Whether the answer to a RevokeClaim is awaited.
[[nodiscard]] constexpr bool asked_back(JobStage stage) noexcept
{
    return stage == JobStage::recalled || stage == JobStage::waived || stage == JobStage::withdrawn;
}

namespace job_rules {

/// Whoever holds a job may always say how it ended.
consteval bool held_stages_take_results()
{
    for (auto stage :
         {JobStage::offered, JobStage::recalled, JobStage::waived, JobStage::withdrawn,
          JobStage::claimed, JobStage::cancelling, JobStage::timing_out, JobStage::evicting}) {
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
            row_of(stage, JobWord::limited).has_value() != begun(stage) ||
            answered != asked_back(stage)) {
            return false;
        }
    }
    return true;
}

/// Another attempt is for who was not told to end: not after a cancel, nor when the daemon stops.
consteval bool only_the_wanted_are_tried_again()
{
    for (std::size_t i = 0; i < job_stage_count; ++i) {
        const auto stage = static_cast<JobStage>(i);
        const bool may = stage == JobStage::offered || stage == JobStage::recalled ||
                         stage == JobStage::waived || stage == JobStage::claimed ||
                         stage == JobStage::timing_out;
        if (row_of(stage, JobWord::retry).has_value() != may) {
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
static_assert(job_rules::only_the_wanted_are_tried_again());
static_assert(job_rules::nothing_leaves_ended());

}  // namespace jobmill::core
