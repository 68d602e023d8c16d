// SPDX-License-Identifier: MIT
#include "daemon/status_report.hpp"

#include <unistd.h>

#include "common/limits.hpp"
#include "common/utf8.hpp"
#include "common/version.hpp"
#include "daemon/adjustments.hpp"

namespace jobmill::daemon {
namespace {

std::string_view name_of(PoolEntry::State state)
{
    switch (state) {
        case PoolEntry::State::starting:
            return "starting";
        case PoolEntry::State::up:
            return "up";
        case PoolEntry::State::retiring:
            return "retiring";
        case PoolEntry::State::down:
        case PoolEntry::State::gone:
            break;
    }
    return "down";
}

Value report_pool(const PoolEntry& entry, const core::PoolCounts& counts, bool memory_low)
{
    const std::uint64_t least =
        entry.settings.min_workers.value_or(entry.settings.workers.value_or(counts.workers));
    Map status{{"name", Value{entry.name}},
               {"state", Value{name_of(entry.state)}},
               {"workers", Value{counts.workers}},
               {"min_workers", Value{least}},
               {"busy", Value{counts.busy}},
               {"lent", Value{counts.lent}},
               {"condemned", Value{counts.condemned}},
               {"max_running", bound_value(entry.settings.max_running)},
               {"weight", Value{entry.settings.weight}},
               {"waiting", Value{counts.waiting}},
               {"queued", Value{counts.queued}},
               {"done", Value{counts.done}},
               {"succeeded", Value{counts.succeeded}},
               {"failed", Value{counts.failed}},
               {"crashed", Value{counts.crashed}},
               {"timed_out", Value{counts.timed_out}},
               {"expired", Value{counts.expired}},
               {"cancelled", Value{counts.cancelled}},
               {"retried", Value{counts.retried}},
               {"restarts", Value{counts.restarts}},
               {"degraded", Value{counts.degraded}}};
    if (memory_low) {
        status.emplace_back("paused", Value{"memory"});
    }
    if (!entry.error.empty()) {
        status.emplace_back("error", Value{entry.error});
    }
    return Value{std::move(status)};
}

/// A list of the status that says how many are not on it.
struct Listing {
    Array list;
    std::size_t more = 0;

    [[nodiscard]] bool full() const noexcept { return list.size() == limits::status_list; }
};

Listing report_batches(const StatusSources& sources)
{
    const Batches& batches = sources.desk.batches();
    Listing listing;
    for (const Batches::Listed& batch : batches.of(sources.client.uid, limits::status_list)) {
        const core::BatchCounts& counts = batch.counts;
        listing.list.emplace_back(Map{{"batch", Value{batch.name}},
                                      {"submitted", Value{counts.submitted}},
                                      {"waiting", Value{counts.waiting}},
                                      {"queued", Value{counts.queued}},
                                      {"running", Value{counts.running}},
                                      {"succeeded", Value{counts.succeeded}},
                                      {"failed", Value{counts.failed}},
                                      {"cancelled", Value{counts.cancelled}},
                                      {"halted", Value{counts.halted}}});
    }
    listing.more = batches.count_of(sources.client.uid) - listing.list.size();
    return listing;
}

Map report_cause(const Cause& cause)
{
    Map map{{"kind", Value{cause.kind}}};
    for (const auto& [key, text] : {std::pair{"signal", cause.signal}, {"text", cause.text}}) {
        if (!text.empty()) {
            map.emplace_back(key, Value{utf8_cut(text, limits::attempt_text)});
        }
    }
    if (cause.exit_code) {
        const Value code{*cause.exit_code};  // moved, g++ 12 warns of a vector that it never was
        map.emplace_back("exit_code", code);
    }
    return map;
}

Listing report_poison(const StatusSources& sources)
{
    Listing listing;
    for (const auto& [place, job] : sources.desk.set_aside().jobs()) {
        if (!sources.client.may_touch(job.uid)) {
            continue;
        }
        if (listing.full()) {
            ++listing.more;
            continue;
        }
        const auto age =
            std::chrono::duration_cast<std::chrono::milliseconds>(sources.now - job.since);
        listing.list.emplace_back(Map{{"job", Value{std::to_string(number(job.id))}},
                                      {"pool", Value{job.pool}},
                                      {"handler", Value{job.handler}},
                                      {"label", Value{job.submission.content.label()}},
                                      {"age_ms", Value{age.count()}},
                                      {"cause", Value{report_cause(job.cause)}}});
    }
    return listing;
}

Listing report_labels(const StatusSources& sources)
{
    Listing listing;
    for (const Labels::Entry& label : sources.desk.labels().all()) {
        if (listing.full()) {
            ++listing.more;
            continue;
        }
        listing.list.emplace_back(Map{{"label", Value{label.settings.name}},
                                      {"max_running", bound_value(label.settings.max_running)},
                                      {"weight", Value{label.settings.weight}},
                                      {"running", Value{sources.core.running(label.id)}}});
    }
    return listing;
}

Value report_memory(const MemoryWatch::State& memory)
{
    const auto bytes = [](const std::optional<std::uint64_t>& size) {
        return size ? Value{static_cast<std::int64_t>(*size)} : Value{};
    };
    return Value{Map{{"available", bytes(memory.available)},
                     {"min_free", bytes(memory.min_free)},
                     {"low", Value{memory.low}}}};
}

}  // namespace

Value report_status(StatusSources sources)
{
    Array pools;
    for (const PoolId pool : sources.pools.all()) {
        pools.push_back(report_pool(sources.pools.entry(pool), sources.core.counts(pool),
                                    sources.core.memory_low()));
    }
    const auto uptime =
        std::chrono::duration_cast<std::chrono::milliseconds>(sources.now - sources.started);
    Listing batches = report_batches(sources);
    Listing poison = report_poison(sources);
    Listing labels = report_labels(sources);
    return Value{Map{{"version", Value{version}},
                     {"pid", Value{static_cast<std::int64_t>(::getpid())}},
                     {"uptime_ms", Value{uptime.count()}},
                     {"socket", Value{sources.socket}},
                     {"uid", Value{static_cast<std::int64_t>(sources.user.uid)}},
                     {"user", Value{sources.user.name}},
                     {"system", Value{sources.system}},
                     {"pools", Value{std::move(pools)}},
                     {"jobs", Value{std::move(sources.jobs.first)}},
                     {"more_jobs", Value{sources.jobs.second}},
                     {"batches", Value{std::move(batches.list)}},
                     {"more_batches", Value{batches.more}},
                     {"poison", Value{std::move(poison.list)}},
                     {"more_poison", Value{poison.more}},
                     {"labels", Value{std::move(labels.list)}},
                     {"more_labels", Value{labels.more}},
                     {"memory", report_memory(sources.memory)},
                     {"stale", Value{sources.core.stale_events()}}}};
}

std::string summary(const PoolDirectory& pools, const OwnUser& user)
{
    const std::size_t count = pools.published().size();
    std::string text = std::to_string(count).append(count == 1 ? " pool" : " pools");
    bool first = true;
    for (const PoolId pool : pools.published()) {
        const PoolEntry& entry = pools.entry(pool);
        if (entry.state == PoolEntry::State::down) {
            text.append(first ? ", down: " : ", ").append(entry.name);
            first = false;
        }
    }
    return text.append("; jobs run as ").append(user.text());
}

}  // namespace jobmill::daemon
