// SPDX-License-Identifier: MIT
#include "daemon/worker_reports.hpp"

#include <algorithm>

#include "common/blob.hpp"
#include "daemon/descriptor_budget.hpp"
#include "jobmill/cause_kind.hpp"

namespace jobmill::daemon {
namespace {

/// A year: what a worker says is bounded before anything is reckoned with it.
constexpr std::uint64_t longest_ns = std::uint64_t{365} * 24 * 3600 * 1'000'000'000;

core::Duration bounded(std::uint64_t nanoseconds)
{
    return core::Duration{static_cast<std::int64_t>(std::min(nanoseconds, longest_ns))};
}

/// Larger ones never come into the daemon's own memory, however scarce descriptors are: with files
/// that are empty but for their size, a worker could have it want more than there is.
constexpr std::uint64_t most_unpacked = std::uint64_t{1} << 20U;

/// What a worker has sent. Small blobs are unpacked: clients get what is within the inline limit
/// in one message, whichever way it came. So are others, within bounds, while descriptors are
/// scarce: they may wait for long until they are read, and workers could not be replaced meanwhile.
void keep(ByteView bytes, UniqueFd blob, std::uint64_t size, Payload& payload)
{
    payload.bytes.assign(bytes);
    payload.size = size;
    const bool unpacked = blob && size <= most_unpacked &&
                          (size <= limits::inline_payload ||
                           !DescriptorBudget::of_this_process().allows_blob(blob.get()));
    if (unpacked) {
        if (read_blob(blob.get(), 0, payload.bytes.resize(size))) {
            return;
        }
        payload.bytes = {};
    }
    payload.blob = std::move(blob);
}

std::string oversized(const char* what, std::uint64_t size, std::uint64_t most)
{
    return std::string{"a "} + what + " of " + std::to_string(size) +
           " bytes; the limit (max_payload) is " + std::to_string(most);
}

Sequence sequence_of(const WorkerReport& report)
{
    return std::visit(
        [](const auto& each) {
            if constexpr (requires { each.sequence; }) {
                return each.sequence;
            } else {
                return Sequence{};
            }
        },
        report);
}

}  // namespace

void WorkerReports::take(WorkerId worker, WorkerReport& report, UniqueFd blob, bool more)
{
    const auto job = outside_.core.job_of(worker, sequence_of(report));
    if (!job) {
        misbehaved(worker, "spoke of a job that it does not hold");
        return;
    }
    if (auto* outcome = std::get_if<JobOutcome>(&report)) {
        take_outcome(worker, *job, *outcome, std::move(blob), more);
    } else if (const auto* chunk = std::get_if<JobChunk>(&report)) {
        const WorkerProcess* process = outside_.processes.worker(worker);
        const std::uint64_t most = process == nullptr ? 0 : process->most_payload();
        if (chunk->size > std::max<std::uint64_t>(most, limits::inline_payload)) {
            misbehaved(worker, "sent " + oversized("partial result", chunk->size, most));
            return;
        }
        Payload payload;
        keep(chunk->payload, std::move(blob), chunk->size, payload);
        outside_.desk.worker_chunk(*job, worker, chunk->stream, std::move(payload));
    } else {
        outside_.desk.worker_started(*job, worker);
    }
}

void WorkerReports::misbehaved(WorkerId worker, const std::string& fault)
{
    if (WorkerProcess* process = outside_.processes.worker(worker)) {
        process->disbelieve(fault);
    }
    outside_.post(core::WorkerMisbehaved{worker});
    outside_.post(core::WordsHeard{worker});  // those before may have promised more
}

void WorkerReports::take_outcome(WorkerId worker, JobId job, JobOutcome& outcome, UniqueFd blob,
                                 bool more)
{
    Outcome& said = outside_.desk.worker_outcome(job);
    const std::uint64_t most = outside_.desk.admission().largest();
    if (outcome.size > most) {
        // Workers know the bound, but it may have been lowered meanwhile; or this one lies.
        outcome.succeeded = false;
        outcome.cause =
            Cause{.kind = cause_kind::error, .text = oversized("result", outcome.size, most)};
        outcome.size = 0;
        outcome.payload = {};
        blob.reset();
    }
    keep(outcome.payload, std::move(blob), outcome.size, said.payload);
    said.payload.worker = worker;
    said.cause = std::move(outcome.cause);
    said.run_ns = outcome.run_ns;
    said.usage = outcome.usage;
    outside_.post(
        core::JobFinished{.worker = worker,
                          .sequence = outcome.sequence,
                          .state = outcome.succeeded ? JobState::succeeded : JobState::failed,
                          .cpu = bounded(outcome.usage.cpu_ns.value_or(0)),
                          .ran = bounded(outcome.run_ns),
                          .bulky = said.payload.size > limits::inline_payload,
                          .more = more});
}

}  // namespace jobmill::daemon
