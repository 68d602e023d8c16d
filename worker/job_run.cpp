// SPDX-License-Identifier: MIT
#include "worker/job_run.hpp"

#include <sched.h>

#include <cerrno>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "common/limits.hpp"
#include "common/msgpack.hpp"
#include "common/progress_cell.hpp"
#include "common/signal_name.hpp"
#include "common/utf8.hpp"
#include "jobmill/cause_kind.hpp"
#include "worker/crash_handler.hpp"
#include "worker/heartbeat.hpp"
#include "worker/job_api.hpp"
#include "worker/job_environment.hpp"
#include "worker/placement.hpp"
#include "worker/running_job.hpp"
#include "worker/soft_limits.hpp"
#include "worker/term_handler.hpp"

namespace jobmill {
namespace {

Cause cause_of(const jobmill_failure& failure)
{
    Cause cause;
    cause.kind = cause_kind::error;
    cause.text = utf8_cut({failure.text.data, failure.text.size}, limits::cause_text);
    if (failure.kind == JOBMILL_FAILURE_EXIT || failure.kind == JOBMILL_FAILURE_EXEC) {
        cause.kind = failure.kind == JOBMILL_FAILURE_EXIT ? cause_kind::exit : cause_kind::exec;
        cause.exit_code = failure.exit_code;
    } else if (failure.kind == JOBMILL_FAILURE_SIGNAL) {
        cause.kind = cause_kind::signal;
        cause.signal = signal_name(failure.signal_number);
        cause.core_dumped = failure.core_dumped != 0;
    }
    return cause;
}

}  // namespace

JobRun::JobRun(const JobOffer& offer, std::vector<UniqueFd> blobs, SegmentLayout& layout,
               WorkerKit& kit)
    : offer_(offer),
      blobs_(std::move(blobs)),
      layout_(layout),
      kit_(kit),
      payload_(offer.payload),
      inputs_(offer.inputs.size())
{
}

void JobRun::run(const LoadedHandler& handler)
{
    if (offer_.want_started) {
        kit_.link.send(JobStarted{offer_.sequence});
    }
    show_life();
    if (offer_.limits.memory != unlimited) {
        kit_.mappings.clear();  // its control group may count them
    }
    if (offer_.limits.memory != unlimited || offer_.limits.open_files != unlimited) {
        kit_.results.clear();
    }
    std::uint64_t start = monotonic_ns();
    if (kit_.meter.begin(start)) {
        start = monotonic_ns();
    }
    // Of an error, -1, this makes 0.
    layout_.cpu.store(static_cast<std::uint64_t>(::sched_getcpu()) + 1, std::memory_order_relaxed);
    layout_.cpu_before.store(kit_.meter.cpu_before(), std::memory_order_relaxed);
    layout_.peak_before.store(handler.runs_commands ? no_peak_known : kit_.meter.peak_before(),
                              std::memory_order_relaxed);
    if (kit_.restore_turns.due_before(start)) {
        restore_birth();
    }
    most_payload_ = layout_.max_payload.load(std::memory_order_relaxed);
    running_job() = {.limits = offer_.limits};
    name_job(offer_.job);
    note_running_handler(handler.name.c_str());
    call(handler);
    note_running_handler(nullptr);
    const std::uint64_t end = monotonic_ns();
    const std::uint64_t run_ns = end - start;
    if (kit_.child_looks.due_after(run_ns) || (goes_at_once() && kit_.child_looks.due_now())) {
        kill_children();
    }
    show_life();
    Usage usage = kit_.meter.end(run_ns, shared_memory());
    if (handler.runs_commands) {
        // The memory that counts is not the worker's, and was seen from time to time only.
        const std::uint64_t peak = running_job().command_peak_rss;
        usage.peak_rss = peak == 0 ? std::nullopt : std::optional{peak};
        usage.approximate = true;
    }
    send_outcome(run_ns, usage, end);
    if (kit_.restore_turns.due_after(start, end)) {
        restore_birth();
    }
    if (!kit_.mappings.empty()) {
        kit_.mappings.trim(end);
    }
    if (!kit_.results.empty()) {
        kit_.results.trim(end);
    }
}

ByteView JobRun::payload()
{
    if (offer_.has_blob && payload_.empty()) {
        payload_ = map_to_read(payload_descriptor(), offer_.size);
    }
    return payload_;
}

ByteView JobRun::input(std::size_t index)
{
    if (index >= input_count()) {
        return {};
    }
    if (inputs_[index].empty()) {
        inputs_[index] = map_to_read(input_descriptor(index), offer_.inputs[index]);
    }
    return inputs_[index];
}

int JobRun::input_descriptor(std::size_t index) const noexcept
{
    return index < input_count() ? blobs_[index + (offer_.has_blob ? 1U : 0U)].get() : -1;
}

/// Empty, and the job has failed, when there is no room for it.
ByteView JobRun::map_to_read(int blob, std::size_t size)
{
    if (size == 0 || failure_) {
        return {};
    }
    try {
        const auto mapped = kit_.mappings.map(blob, size, Mapping::Access::read);
        if (mapped) {
            return *mapped;
        }
        fail(mapped.error().what);
    } catch (const std::bad_alloc& error) {
        fail(error.what());  // who asks may be C, which knows no exceptions
    }
    return {};
}

SharedMemory JobRun::shared_memory() const noexcept
{
    const std::size_t own = kit_.mappings.fresh_bytes();
    return {.own = own, .others = kit_.mappings.bytes() - own};
}

void JobRun::call(const LoadedHandler& handler)
{
    const bool limited = offer_.limits != JobLimits{} && !handler.runs_commands;
    if (limited && !take_place()) {
        return;
    }
    std::optional<std::string> text;
    errno = 0;
    try {
        // It ends before anything is told of a failure, which takes memory.
        std::optional<SoftLimits> limits;
        limits_ = limited ? &limits.emplace(offer_.limits) : nullptr;
        const Interruptible while_it_runs{handler.interruptible};
        const int answer = handler.run(this, &job_api(), handler.context);
        if (answer != 0) {
            text = "handler \"" + handler.name + "\" answered " + std::to_string(answer);
        }
    } catch (const std::exception& error) {
        text = error.what();
    } catch (...) {
        text = "unknown exception";
    }
    limits_ = nullptr;
    const bool starved = errno == ENOMEM;
    if (text && !failure_) {
        fail(*text);
    }
    name_limit(limited && offer_.limits.memory != unlimited, starved);
}

bool JobRun::take_place()
{
    be_nice(offer_.limits.nice);
    if (keep_to_cpus(offer_.limits.cpus) != 0) {
        fail("none of the CPUs that the job may use is there");
        return false;
    }
    return true;
}

/// A failure is blamed on a limit: exec knows; of memory the last error number tells, since a
/// handler in want of it may say anything, or nothing.
void JobRun::name_limit(bool of_memory, bool starved)
{
    if (!failure_) {
        return;
    }
    std::string_view limit = running_job().limit_reached;
    if (of_memory && failure_->kind == cause_kind::error &&
        (starved || failure_->text == std::bad_alloc{}.what())) {
        limit = limit_name::memory;
    }
    if (!limit.empty()) {
        failure_->kind = cause_kind::limit;
        failure_->limit = limit;
    }
}

/// Small results alone may wait for those of the next jobs.
bool JobRun::goes_at_once() const noexcept
{
    const int blob = outcome_.is_payload ? payload_descriptor() : outcome_.room.blob.get();
    return failure_ || blob >= 0;
}

void JobRun::send_outcome(std::uint64_t run_ns, const Usage& usage, std::uint64_t now)
{
    JobOutcome message;
    message.sequence = offer_.sequence;
    message.run_ns = run_ns;
    message.usage = usage;
    if (failure_) {
        message.succeeded = false;
        message.cause = std::move(*failure_);
        kit_.link.send(message);
        return;
    }
    send_result(message, now);
}

void JobRun::send_result(JobOutcome& message, std::uint64_t now)
{
    message.size = outcome_.is_payload ? offer_.size : outcome_.size;
    const int blob = outcome_.is_payload ? payload_descriptor() : outcome_.room.blob.get();
    if (blob >= 0) {
        message.has_blob = true;
        kit_.link.send(message, blob);
        if (!outcome_.is_payload) {
            kit_.results.sent(std::move(outcome_.room), offer_.job, offer_.user, now);
        }
    } else {
        message.payload = outcome_.is_payload ? payload_ : ByteView{outcome_.bytes};
        kit_.link.send_soon(message, now);
    }
}

const Value* JobRun::argument(std::string_view name)
{
    if (!args_) {
        auto decoded = offer_.args.empty() ? Value{Map{}} : msgpack::decode(offer_.args);
        args_ = decoded ? std::move(*decoded) : Value{};
    }
    return args_->find(name);
}

bool JobRun::cancelled() noexcept
{
    show_life();
    layout_.looked.store(number(offer_.sequence), std::memory_order_relaxed);
    return layout_.cancel.load(std::memory_order_relaxed) == number(offer_.sequence);
}

void JobRun::show_life() noexcept
{
    jobmill::show_life(layout_);
}

void JobRun::progress(std::uint64_t done, std::uint64_t total, std::string_view note) noexcept
{
    show_life();
    write_progress(layout_.progress, offer_.sequence, done, total, note);
}

void JobRun::fail(std::string_view text)
{
    fail({sizeof(jobmill_failure), JOBMILL_FAILURE_ERROR, {text.data(), text.size()}, 0, 0, 0});
}

void JobRun::fail(const jobmill_failure& failure)
{
    if (!oversized_) {
        failure_ = cause_of(failure);
    }
}

}  // namespace jobmill
