// SPDX-License-Identifier: MIT
#include "daemon/job_desk.hpp"

#include <algorithm>

#include "common/assert.hpp"
#include "daemon/client_session.hpp"
#include "daemon/job_report.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {
namespace {

constexpr std::size_t remembered_ends = 1024;

std::uint64_t nanoseconds(core::Duration duration)
{
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()));
}

Cause cause_of(core::EndedBy by)
{
    Cause cause;
    switch (by) {
        case core::EndedBy::cancel_queued:
        case core::EndedBy::cancel_running:
            cause.kind = "cancel";
            cause.was = by == core::EndedBy::cancel_queued ? "queued" : "running";
            break;
        case core::EndedBy::stop_queued:
        case core::EndedBy::stop_running:
            cause.kind = "stopping";
            cause.text = "the daemon stopped";
            cause.was = by == core::EndedBy::stop_queued ? "queued" : "running";
            break;
        case core::EndedBy::worker:
        case core::EndedBy::worker_death:
            break;
    }
    return cause;
}

}  // namespace

tl::expected<void, ErrorReply> JobDesk::admit(std::uint64_t size) const
{
    if (size > limits_.payload) {
        return refuse(error_code::too_large,
                      "a payload of " + std::to_string(size) + " bytes; the limit is " +
                          std::to_string(limits_.payload),
                      "size", limits_.payload);
    }
    const std::uint64_t bytes = records_.load().bytes;
    const bool jobs_full = records_.size() >= limits_.jobs;
    if (jobs_full || (bytes > 0 && size > limits_.bytes - std::min(limits_.bytes, bytes))) {
        auto busy = refusal(error_code::busy,
                            jobs_full ? "the queue is full" : "too many payload bytes are queued",
                            jobs_full ? "" : "size", jobs_full ? limits_.jobs : limits_.bytes);
        busy.retry_after_ms = 200;
        return tl::unexpected<ErrorReply>(std::move(busy));
    }
    return {};
}

void JobDesk::submit(const Submitter& client, JobId job, Tag tag, Submission submission)
{
    const PoolId pool = submission.pool;
    const bool detached = submission.detached;
    records_.add(JobRecord{.id = job,
                           .session = client.session,
                           .tag = tag,
                           .uid = client.uid,
                           .submission = std::move(submission),
                           .submitted = outside_.now(),
                           .offered = {},
                           .outcome = {}});
    outside_.post(core::JobSubmitted{
        .job = job, .session = client.session, .pool = pool, .detached = detached});
}

void JobDesk::set_limits(const Limits& limits)
{
    limits_ = limits;
    unread_.set_limits(limits.unread);
}

void JobDesk::move_jobs(PoolId from, PoolId to)
{
    std::vector<JobId> waiting;
    records_.each([&](const JobRecord& record) {
        if (record.submission.pool == from &&
            outside_.core.state_of(record.id) == JobState::queued) {
            waiting.push_back(record.id);
        }
    });
    std::sort(waiting.begin(), waiting.end());
    const auto& old_handlers = outside_.pools.entry(from).handlers;
    const auto& handlers = outside_.pools.entry(to).handlers;
    for (const JobId job : waiting) {
        Submission& submission = records_.at(job).submission;
        const auto found =
            std::find_if(handlers.begin(), handlers.end(), [&](const HandlerEntry& each) {
                return each.name == old_handlers.at(submission.handler).name;
            });
        if (found != handlers.end()) {
            submission.pool = to;
            submission.handler = static_cast<std::uint16_t>(found - handlers.begin());
            outside_.post(core::JobMoved{.job = job, .to = to});
        }
    }
}

void JobDesk::cancel(JobId job)
{
    outside_.post(core::CancelRequested{job});
}

const JobRecord* JobDesk::find(JobId job, const Identity& client) const
{
    const JobRecord* record = records_.find(job);
    return record == nullptr || !client.may_touch(record->uid) ? nullptr : record;
}

void JobDesk::cancel_job(ClientSession& session, Tag tag, JobId job)
{
    if (find(job, session.identity()) == nullptr) {
        const auto end = recent_end(job, session.identity());
        session.send(ErrorMessage{
            .tag = tag,
            .error = refusal(error_code::not_found,
                             end ? "already " + std::string{name_of(*end)} : "no such live job",
                             "job")});
        return;
    }
    const std::uint64_t watch = cancel_watches_.open(session.id(), tag);
    cancel_watched(job, watch);
    cancel_watches_.close(watch);
}

void JobDesk::cancel_all(ClientSession& session, Tag tag)
{
    std::vector<JobId> jobs;
    records_.each_of(session.identity().uid, [&](const JobRecord& record) {
        jobs.push_back(record.id);
        return true;
    });
    if (jobs.empty()) {
        session.send(ErrorMessage{
            .tag = tag, .error = refusal(error_code::not_found, "no unfinished jobs", "all")});
        return;
    }
    const std::uint64_t watch = cancel_watches_.open(session.id(), tag);
    // Youngest first: what is taken from the queue is then never given to a freed worker.
    std::for_each(jobs.rbegin(), jobs.rend(), [&](JobId job) { cancel_watched(job, watch); });
    cancel_watches_.close(watch);
}

void JobDesk::answer_cancel(SessionId session, const Cancelled& answer) const
{
    if (ClientSession* asker = outside_.session(session)) {
        asker->send(answer);
    }
}

void JobDesk::cancel_watched(JobId job, std::uint64_t watch)
{
    cancel_watches_.expect(watch, job);
    cancel(job);
}

tl::expected<std::vector<UnreadEvent>, ErrorReply> JobDesk::wait(const ClientSession& session,
                                                                 Tag tag, JobId job)
{
    const JobRecord* record = find(job, session.identity());
    if (record != nullptr && !record->submission.detached) {
        return refuse(
            error_code::not_found,
            "job " + std::to_string(number(job)) + " is not detached: its own client reads it",
            "job");
    }
    const Reader reader{.session = session.id(), .tag = tag};
    auto events = record != nullptr ? unread_.attach_unfinished(job, record->uid, reader)
                                    : unread_.attach(job, session.identity(), reader);
    if (!events && events.error().code == error_code::not_found && record == nullptr) {
        if (const auto end = recent_end(job, session.identity())) {
            events.error().text = "job " + std::to_string(number(job)) + " " +
                                  std::string{name_of(*end)} + ", and its result was read";
        }
    }
    return events;
}

std::optional<Reader> JobDesk::reader_of(const JobRecord& record) const
{
    if (record.submission.detached) {
        return unread_.reader(record.id);
    }
    return Reader{.session = record.session, .tag = record.tag};
}

void JobDesk::session_lost(SessionId session)
{
    session_drained(session);
    unread_.detach(session);
    outside_.post(core::SessionLost{session});
}

void JobDesk::session_drained(SessionId id)
{
    const ClientSession* session = outside_.session(id);
    for (auto entry = paused_.begin(); entry != paused_.end();) {
        const auto& [worker, by] = *entry;
        if (by.session != id || (session != nullptr && session->congested(by.tag))) {
            ++entry;
            continue;
        }
        outside_.pause(worker, false);
        entry = paused_.erase(entry);
    }
}

void JobDesk::worker_started(JobId job, WorkerId worker)
{
    const JobRecord& record = records_.at(job);
    const auto reader = reader_of(record);
    ClientSession* session = reader ? outside_.session(reader->session) : nullptr;
    if (session != nullptr && record.submission.want_started) {
        session->deliver(
            reader->tag,
            Started{.tag = reader->tag, .job = job, .worker = worker.slot, .attempt = 1});
    }
}

void JobDesk::worker_chunk(JobId job, WorkerId worker, Stream stream, Payload payload)
{
    const JobRecord& record = records_.at(job);
    Chunk head{.tag = {},
               .job = job,
               .size = payload.size,
               .stream = stream,
               .more = false,
               .payload = {}};
    const auto reader = reader_of(record);
    if (!reader) {
        unread_.add_chunk(record.uid, head, std::move(payload));
        return;
    }
    ClientSession* session = outside_.session(reader->session);
    if (session == nullptr) {
        return;  // its jobs are being cancelled
    }
    head.tag = reader->tag;
    session->deliver_chunk(head, std::move(payload));
    if (session->congested(reader->tag)) {
        paused_.insert_or_assign(worker, Paused{.session = reader->session, .tag = reader->tag});
        outside_.pause(worker, true);
    }
}

void JobDesk::worker_outcome(JobId job, Outcome outcome)
{
    records_.at(job).outcome = std::make_unique<Outcome>(std::move(outcome));
}

void JobDesk::offered(JobId job)
{
    JobRecord& record = records_.at(job);
    record.offered = outside_.now();
    const bool watched = std::any_of(watched_.begin(), watched_.end(),
                                     [&](const Watched& each) { return each.job == job; });
    if (record.submission.want_progress && !watched) {
        watched_.push_back({.job = job});
    }
}

void JobDesk::sample_progress()
{
    for (Watched& watched : watched_) {
        if (const auto worker = outside_.core.worker_of(watched.job)) {
            send_progress(watched, *worker);
        }
    }
}

void JobDesk::send_progress(Watched& watched, WorkerId worker)
{
    const auto reader = reader_of(records_.at(watched.job));
    ClientSession* session = reader ? outside_.session(reader->session) : nullptr;
    const auto reading = outside_.progress(worker);
    if (session == nullptr || !reading || reading->version == watched.version ||
        outside_.core.job_of(worker, reading->sequence) != watched.job) {
        return;
    }
    watched.version = reading->version;
    session->deliver_progress(Progress{.tag = reader->tag,
                                       .job = watched.job,
                                       .done = reading->done,
                                       .total = reading->total,
                                       .note = reading->note});
}

void JobDesk::ended(const core::JobEnded& end)
{
    JobRecord record = records_.take(end.job);
    std::erase_if(watched_, [&](const Watched& each) { return each.job == end.job; });
    if (paused_.erase(end.worker) > 0) {
        // Its next job is another's: that one's reader must not wait for this one's.
        outside_.pause(end.worker, false);
    }

    JobResult head;
    head.job = end.job;
    head.state = end.state;
    head.worker = end.worker.slot;
    const bool ran = end.worker.slot != SlotId{};
    const core::TimePoint now = outside_.now();
    head.queue_ns = nanoseconds((ran ? record.offered : now) - record.submitted);
    Payload payload;
    if (end.by == core::EndedBy::worker) {
        head.run_ns = record.outcome->run_ns;
        head.cause = std::move(record.outcome->cause);
        payload = std::move(record.outcome->payload);
    } else {
        head.run_ns = ran ? nanoseconds(now - record.offered) : 0;
        head.cause = end.by == core::EndedBy::worker_death ? outside_.cause_of_death(end.worker)
                                                           : cause_of(end.by);
    }
    recent_.push_back(Ended{.job = end.job, .uid = record.uid, .state = end.state});
    if (recent_.size() > remembered_ends) {
        recent_.pop_front();
    }
    deliver_result(record, std::move(head), std::move(payload));
    cancel_watches_.settle(end.job, end.by);
}

void JobDesk::deliver_result(const JobRecord& record, JobResult head, Payload payload)
{
    const auto reader = reader_of(record);
    if (!reader) {
        unread_.add_result(record.uid, head, std::move(payload), outside_.now());
        return;
    }
    if (record.submission.detached) {
        unread_.forget(record.id);
    }
    if (ClientSession* session = outside_.session(reader->session)) {
        head.tag = reader->tag;
        session->deliver_result(head, std::move(payload));
    }
}

std::optional<JobState> JobDesk::recent_end(JobId job, const Identity& client) const
{
    const auto found = std::find_if(recent_.begin(), recent_.end(), [&](const Ended& each) {
        return each.job == job && client.may_touch(each.uid);
    });
    return found == recent_.end() ? std::nullopt : std::optional{found->state};
}

std::pair<Array, std::size_t> JobDesk::list(const Identity& client,
                                            const std::vector<JobId>& wanted) const
{
    return report_jobs({.records = records_,
                        .unread = unread_,
                        .core = outside_.core,
                        .pools = outside_.pools,
                        .now = outside_.now()},
                       client, wanted);
}

}  // namespace jobmill::daemon
