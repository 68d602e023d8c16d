// SPDX-License-Identifier: MIT
#include "daemon/job_ask.hpp"

#include <algorithm>

#include "common/attempts.hpp"
#include "common/cpu_list.hpp"
#include "common/limits.hpp"

namespace jobmill::daemon {
namespace {

using Milliseconds = std::chrono::milliseconds;

/// Beyond what modules are given: imports of large packages from a cold disk take a minute and
/// more.
constexpr std::chrono::minutes more_to_import{9};
/// What modules are given, where each worker loads them.
constexpr std::chrono::minutes time_to_load{1};

core::Duration wait_of(std::uint64_t milliseconds)
{
    return milliseconds == unlimited
               ? core::forever
               : core::Duration{Milliseconds{static_cast<std::int64_t>(milliseconds)}};
}

core::Duration wait_of(const std::optional<Milliseconds>& setting)
{
    return setting ? core::Duration{*setting} : core::forever;
}

core::Duration wait_of(const std::optional<std::uint64_t>& asked,
                       const std::optional<Milliseconds>& setting)
{
    return asked ? wait_of(*asked) : wait_of(setting);
}

core::Duration wait_of(const std::optional<std::uint64_t>& asked, Milliseconds setting)
{
    return asked ? wait_of(*asked) : core::Duration{setting};
}

std::uint16_t retries(const std::optional<std::uint32_t>& asked, std::uint32_t setting)
{
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(asked.value_or(setting), UINT16_MAX));
}

JobLimits limits_of(const JobOptions& options, const JobLimits& setting)
{
    JobLimits limits = setting;
    limits.memory = options.memory.value_or(limits.memory);
    limits.cpu_ms = options.cpu_ms.value_or(limits.cpu_ms);
    limits.file_size = options.file_size.value_or(limits.file_size);
    limits.open_files = options.open_files.value_or(limits.open_files);
    limits.processes = options.processes.value_or(limits.processes);
    limits.nice = options.nice.value_or(limits.nice);
    if (!options.cpus.empty()) {
        // The request was judged when it was read.
        limits.cpus = parse_cpu_list(options.cpus).value_or(limits.cpus);
    }
    return limits;
}

bool waits_behind_delay(const JobOptions& options, const PoolSettings& pool)
{
    return !options.queue_timeout_ms && pool.queue_timeout;
}

core::JobTerms terms_of(const JobOptions& options, const JobLimits& limits,
                        const PoolSettings& pool, bool is_command)
{
    core::JobTerms terms;
    terms.priority = static_cast<std::int8_t>(options.priority.value_or(0));
    // Its bounds, its group and what its command takes are the worker's.
    terms.alone = is_command || limits != JobLimits{};
    terms.spoils_worker = !is_command && (limits.nice != 0 || limits.cpus != 0);
    terms.retry_crash = retries(options.retry_crash, pool.retry_crash);
    terms.retry_timeout = retries(options.retry_timeout, pool.retry_timeout);
    terms.retry_failure = retries(options.retry_failure, pool.retry_failure);
    terms.delay = options.delay_ms ? wait_of(*options.delay_ms) : core::Duration::zero();
    // What nobody asked for must not end what was asked for: a long delay.
    terms.queue_timeout = waits_behind_delay(options, pool)
                              ? terms.delay + *pool.queue_timeout
                              : wait_of(options.queue_timeout_ms, pool.queue_timeout);
    terms.run_timeout = wait_of(options.timeout_ms, pool.timeout);
    terms.backoff = wait_of(options.backoff_ms, pool.backoff);
    terms.longest_backoff = std::max(wait_of(options.backoff_max_ms, pool.backoff_max),
                                     options.backoff_max_ms ? core::Duration{} : terms.backoff);
    return terms;
}

}  // namespace

std::uint32_t core_bound(std::uint64_t bound)
{
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(bound, core::no_bound));
}

JobAsk resolve(const JobOptions& options, const PoolSettings& pool, bool is_command)
{
    JobAsk ask;
    ask.limits = limits_of(options, pool.limits);
    ask.terms = terms_of(options, ask.limits, pool, is_command);
    ask.parent = JobId{options.parent.value_or(0)};
    ask.waits_behind_delay = waits_behind_delay(options, pool);
    return ask;
}

void drop_delay(JobAsk& ask)
{
    if (ask.waits_behind_delay) {
        ask.terms.queue_timeout -= ask.terms.delay;
    }
    ask.terms.delay = {};
}

void add_inputs(JobAsk& ask, std::vector<JobContent> inputs, bool large)
{
    // Descriptors on their way count against the daemon's, and there may be 256 jobs ahead.
    constexpr std::size_t many = 2;
    ask.terms.alone = ask.terms.alone || inputs.size() + (large ? 1 : 0) >= many;
    ask.inputs = std::move(inputs);
}

void remember(JobAsk& ask, const Attempt& attempt)
{
    if (ask.attempts.size() == limits::attempts) {
        ask.attempts.erase(ask.attempts.begin());
    }
    ask.attempts.push_back(shortened(attempt));
}

std::uint64_t memory_of(const std::vector<Attempt>& attempts)
{
    static const std::size_t within = std::string{}.capacity();  // needs no block of its own
    std::uint64_t bytes = attempts.capacity() * sizeof(Attempt);
    for (const Attempt& attempt : attempts) {
        const Cause& cause = attempt.cause;
        for (const std::string* text :
             {&cause.kind, &cause.text, &cause.signal, &cause.stderr_tail, &cause.last_words,
              &cause.was, &cause.limit, &cause.stack, &cause.note}) {
            bytes += text->capacity() > within ? text->capacity() + 1 : 0;
        }
    }
    return bytes;
}

core::PoolTerms pool_terms(const PoolSettings& pool)
{
    core::PoolTerms terms;
    terms.min_workers = pool.min_workers.value_or(core::no_bound);
    terms.idle_timeout = pool.idle_timeout;
    terms.max_running = core_bound(pool.max_running);
    terms.weight = pool.weight;
    terms.poison_after = pool.poison_after;
    terms.recycle_jobs = core_bound(pool.recycle_jobs);
    terms.recycle_age = wait_of(pool.recycle_age);
    const bool python = pool.runtime == PoolSettings::Runtime::python;
    terms.more_to_load = python ? more_to_import : core::Duration::zero();
    if (pool.start == PoolSettings::Start::spawn) {
        // Each loads for itself.
        terms.more_to_start = time_to_load + terms.more_to_load;
    }
    return terms;
}

}  // namespace jobmill::daemon
