// SPDX-License-Identifier: MIT
#include "daemon/job_report.hpp"

#include <algorithm>

#include "common/limits.hpp"

namespace jobmill::daemon {
namespace {

/// Whose a job is, where that can be anybody.
void add_owner(Map& job, const Identity& client, unsigned owner)
{
    if (client.admin) {
        const Value uid{owner};  // moved, g++ 12 warns of a vector that it never was
        job.emplace_back("uid", uid);
    }
}

/// What most jobs have not: only where it says something.
void add_course(Map& job, const JobSources& sources, const JobRecord& record)
{
    const JobAsk* ask = record.submission.ask.get();
    if (ask == nullptr) {
        return;
    }
    if (ask->terms.priority != 0) {
        const Value priority{int{ask->terms.priority}};  // const as the owner's number is
        job.emplace_back("priority", priority);
    }
    if (const std::uint32_t tried = sources.core.attempt_of(record.id); tried > 1) {
        const Value attempt{tried};
        job.emplace_back("attempt", attempt);
    }
    if (const std::string name = sources.batches.name_of(ask->batch.batch()); !name.empty()) {
        const Value batch{name};
        job.emplace_back("batch", batch);
    }
}

Map describe(const JobSources& sources, const Identity& client, const JobRecord& record)
{
    const PoolEntry& pool = sources.pools.entry(record.submission.pool);
    const JobState state = sources.core.state_of(record.id).value_or(JobState::queued);
    const auto age =
        std::chrono::duration_cast<std::chrono::milliseconds>(sources.now - record.submitted);
    Map job{{"job", Value{std::to_string(number(record.id))}},
            {"state", Value{name_of(state)}},
            {"pool", Value{pool.name}},
            {"handler", Value{pool.handlers.at(record.submission.handler).name}},
            {"label", Value{record.submission.content.label()}},
            {"age_ms", Value{age.count()}},
            {"detached", Value{record.submission.detached}}};
    if (const auto worker = sources.core.worker_of(record.id)) {
        const Value slot{number(worker->slot)};
        job.emplace_back("worker", slot);
    }
    add_course(job, sources, record);
    add_owner(job, client, record.uid);
    return job;
}

Map describe(const Identity& client, const UnreadJobs::Listed& unread)
{
    Map job{{"job", Value{std::to_string(number(unread.job))}},
            {"state", Value{name_of(unread.state)}},
            {"detached", Value{true}}};
    add_owner(job, client, unread.uid);
    return job;
}

/// Those that are wanted, each once.
std::vector<UnreadJobs::Listed> unread_of(const UnreadJobs& jobs, const Identity& client,
                                          std::vector<JobId> wanted)
{
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    std::vector<UnreadJobs::Listed> list;
    for (const JobId job : wanted) {
        if (const auto unread = jobs.finished_for(client, job)) {
            list.push_back(*unread);
        }
    }
    return list;
}

}  // namespace

std::pair<Array, std::size_t> report_jobs(const JobSources& sources, const Identity& client,
                                          const std::vector<JobId>& wanted)
{
    Array list;
    const auto add = [&](const JobRecord& record) {
        list.emplace_back(describe(sources, client, record));
        return list.size() < limits::status_jobs;
    };
    std::size_t more = 0;
    if (wanted.empty() && client.admin) {
        sources.records.each_by_age(add);
        more = sources.records.size() - list.size();
    } else if (wanted.empty()) {
        sources.records.each_of(client.uid, add);
        more = sources.records.count_of(client.uid) - list.size();
    }
    for (const JobId job : wanted) {
        const JobRecord* record = sources.records.find(job);
        if (record != nullptr && client.may_touch(record->uid) && !add(*record)) {
            break;  // a request cannot name more than one frame holds
        }
    }
    // Never all of them: there may be as many as fit the memory that is kept for them.
    std::vector<UnreadJobs::Listed> unread;
    if (wanted.empty()) {
        unread = sources.unread.finished_for(client, limits::status_jobs - list.size());
        more += sources.unread.count_for(client) - unread.size();
    } else {
        unread = unread_of(sources.unread, client, wanted);
    }
    for (const UnreadJobs::Listed& each : unread) {
        if (list.size() == limits::status_jobs) {
            ++more;
            continue;
        }
        list.emplace_back(describe(client, each));
    }
    return {std::move(list), more};
}

}  // namespace jobmill::daemon
