// SPDX-License-Identifier: MIT
// What a job makes of its payload: its result, and parts of it that are sent while it runs.
#include <algorithm>
#include <cerrno>
#include <new>
#include <string>
#include <utility>

#include "common/blob.hpp"
#include "common/limits.hpp"
#include "worker/job_run.hpp"
#include "worker/soft_limits.hpp"

namespace jobmill {

Result<void> JobRun::judge_size(const char* what, std::uint64_t size)
{
    if (most_payload_ == 0 || size <= most_payload_) {
        return {};
    }
    const std::string text = std::string{"a "} + what + " of " + std::to_string(size) +
                             " bytes; the limit (max_payload) is " + std::to_string(most_payload_);
    fail(text);
    oversized_ = true;
    return jobmill::fail(Errc::invalid, text);
}

Result<void> JobRun::judge_result(std::uint64_t size)
{
    JOBMILL_TRY(judge_size("result", size));
    if (limits_ != nullptr && size > limits::inline_payload && size > offer_.limits.memory) {
        errno = ENOMEM;  // it is no data, so the kernel would not say so
        return jobmill::fail(Errc::exhausted, "a result beyond the job's limit of memory");
    }
    return {};
}

Result<void> JobRun::emit(Stream stream, ByteView bytes)
{
    show_life();
    if (bytes.size() > limits::inline_payload) {
        JOBMILL_TRY(judge_size("partial result", bytes.size()));
    }
    JobChunk chunk{offer_.sequence, bytes.size(), stream, false, bytes};
    if (bytes.size() <= limits::inline_payload) {
        kit_.link.send(chunk);
        return {};
    }
    kit_.link.await_room_for_blob(bytes.size());
    const SoftLimits::Pause pause{limits_};
    auto blob = make_blob(bytes.size());
    if (blob) {
        if (auto written = write_blob(blob->get(), 0, bytes); !written) {
            blob = tl::unexpected<Error>(written.error());
        }
    }
    if (!blob) {
        throw std::bad_alloc{};
    }
    chunk.has_blob = true;
    chunk.payload = {};
    kit_.link.send(chunk, blob->get());
    return {};
}

Result<void> JobRun::set_result(ByteView bytes)
{
    JOBMILL_TRY(judge_result(bytes.size()));
    Outcome outcome;
    if (bytes.size() <= limits::inline_payload) {
        outcome.bytes.assign(bytes.begin(), bytes.end());
    } else {
        const SoftLimits::Pause pause{limits_};
        JOBMILL_TRY_ASSIGN(outcome.room, kit_.results.take(bytes.size(), offer_.user));
        JOBMILL_TRY(write_blob(outcome.room.blob.get(), 0, bytes));
    }
    outcome.size = bytes.size();
    replace_outcome(std::move(outcome));
    return {};
}

Result<std::span<std::byte>> JobRun::reserve_result(std::size_t size)
{
    JOBMILL_TRY(judge_result(size));
    Outcome outcome;
    std::span<std::byte> lent;
    if (size <= limits::inline_payload) {
        outcome.bytes.resize(size);
        lent = outcome.bytes;
    } else {
        const SoftLimits::Pause pause{limits_};
        JOBMILL_TRY_ASSIGN(outcome.room, kit_.results.take(size, offer_.user));
        JOBMILL_TRY_ASSIGN(
            lent, kit_.mappings.map(outcome.room.blob.get(), size, Mapping::Access::write));
        if (outcome.room.used) {
            std::fill(lent.begin(), lent.end(), std::byte{});  // cheaper than fresh memory
        }
    }
    outcome.size = size;
    outcome.is_lent = true;
    replace_outcome(std::move(outcome));
    return lent;
}

void JobRun::set_result_to_payload()
{
    Outcome outcome;
    outcome.is_payload = true;
    replace_outcome(std::move(outcome));
}

void JobRun::replace_outcome(Outcome outcome)
{
    if (outcome_.is_lent && !outcome_.bytes.empty()) {
        lent_before_.push_back(std::move(outcome_.bytes));
    }
    outcome_ = std::move(outcome);
}

}  // namespace jobmill
