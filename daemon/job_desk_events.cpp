// SPDX-License-Identifier: MIT
// The desk's other side: what workers say of jobs, what the core decides about them, and what their
// readers hear of it.
#include <algorithm>

#include "common/assert.hpp"
#include "daemon/client_session.hpp"
#include "daemon/job_desk.hpp"
#include "daemon/log.hpp"
#include "jobmill/cause_kind.hpp"

namespace jobmill::daemon {
namespace {

constexpr std::size_t remembered_ends = 1024;

/// A reader who is slow for so long holds his job up; a worker more for each time that a buffer is
/// full would cost more than it brings.
constexpr core::Duration short_wait = std::chrono::milliseconds{200};

std::uint64_t nanoseconds(core::Duration duration)
{
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()));
}

/// How an end that no worker has told of is called.
std::string_view kind_of(core::EndedBy by)
{
    switch (by) {
        case core::EndedBy::cancel:
            return cause_kind::cancel;
        case core::EndedBy::halt:
            return cause_kind::halted;
        case core::EndedBy::stop:
            return cause_kind::stopping;
        case core::EndedBy::timeout:
            return cause_kind::timeout;
        case core::EndedBy::hang:
            return cause_kind::hang;
        case core::EndedBy::deadline:
            return cause_kind::expired;
        case core::EndedBy::worker:
        case core::EndedBy::worker_death:
        case core::EndedBy::limit:
            break;
    }
    return "";
}

/// Of the cause of a failure, what the job has left behind.
Cause traces_in(Cause&& failure)
{
    return {.stderr_tail = std::move(failure.stderr_tail),
            .last_words = std::move(failure.last_words),
            .stderr_shared = failure.stderr_shared,
            .stack = std::move(failure.stack),
            .done = failure.done,
            .total = failure.total,
            .note = std::move(failure.note)};
}

}  // namespace

void JobDesk::worker_started(JobId job, WorkerId worker)
{
    const JobRecord& record = records_.at(job);
    const auto reader = reader_of(record);
    ClientSession* session = reader ? outside_.session(reader->session) : nullptr;
    if (session != nullptr && record.submission.want_started) {
        session->deliver(reader->tag, Started{.tag = reader->tag,
                                              .job = job,
                                              .worker = worker.slot,
                                              .attempt = outside_.core.attempt_of(job)});
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
    if (!session->congested(reader->tag) || outside_.core.is_overtaken(job)) {
        return;
    }
    // Known already when what had been sent before it was stopped comes in pieces.
    const bool is_new = paused_
                            .try_emplace(worker, Paused{.session = reader->session,
                                                        .tag = reader->tag,
                                                        .job = job,
                                                        .since = outside_.now()})
                            .second;
    outside_.pause(worker, true);
    if (is_new) {
        outside_.post(core::JobPaused{.job = job, .paused = true});
    }
}

void JobDesk::hear_out(WorkerId worker)
{
    const auto paused = paused_.find(worker);
    if (paused == paused_.end()) {
        return;
    }
    const bool told = paused->second.told;
    const JobId job = paused->second.job;
    paused_.erase(paused);
    outside_.pause(worker, false);
    if (told) {
        outside_.post(core::JobPaused{.job = job, .paused = false});
    }
}

Outcome& JobDesk::worker_outcome(JobId job)
{
    // A worker that was not believed may have said something of it before it came to another.
    forget_outcome(job);
    Said& said = said_.emplace_back();
    said.job = job;
    return said.outcome;
}

Outcome* JobDesk::outcome_of(JobId job)
{
    const auto found =
        std::find_if(said_.begin(), said_.end(), [&](const Said& each) { return each.job == job; });
    return found == said_.end() ? nullptr : &found->outcome;
}

void JobDesk::forget_outcome(JobId job)
{
    std::erase_if(said_, [&](const Said& each) { return each.job == job; });
}

const JobRecord& JobDesk::offered(JobId job)
{
    const JobRecord& record = records_.at(job);
    const bool watched = std::any_of(watched_.begin(), watched_.end(),
                                     [&](const Watched& each) { return each.job == job; });
    if (record.submission.want_progress && !watched) {
        watched_.push_back({.job = job});
    }
    return record;
}

bool JobDesk::has_to_look() const noexcept
{
    return !watched_.empty() || std::any_of(paused_.begin(), paused_.end(),
                                            [](const auto& entry) { return !entry.second.told; });
}

void JobDesk::look_around()
{
    tell_paused();
    for (Watched& watched : watched_) {
        if (const auto worker = outside_.core.worker_of(watched.job)) {
            send_progress(watched, *worker);
        }
    }
}

void JobDesk::tell_paused()
{
    std::vector<JobId> jobs;
    for (auto& [worker, paused] : paused_) {
        if (!paused.told && outside_.now() - paused.since >= short_wait) {
            paused.told = true;
            jobs.push_back(paused.job);
        }
    }
    for (const JobId job : jobs) {
        outside_.post(core::JobPaused{.job = job, .paused = true, .for_long = true});
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

/// The attempt is over: whatever listened to its worker for its sake no longer does.
void JobDesk::stop_watching(JobId job, WorkerId worker)
{
    std::erase_if(watched_, [&](const Watched& each) { return each.job == job; });
    if (paused_.erase(worker) > 0) {
        // Its next job is another's: that one's reader must not wait for this one's.
        outside_.pause(worker, false);
    }
}

std::string JobDesk::how_long(const JobRecord& record, core::EndedBy by) const
{
    const core::JobTerms& terms = terms_of(record);
    const auto text = [](core::Duration duration) {
        return std::to_string(
                   std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) +
               " ms";
    };
    switch (by) {
        case core::EndedBy::timeout:
            return "it ran longer than " + text(terms.run_timeout);
        case core::EndedBy::deadline:
            return "it waited longer than " + text(terms.queue_timeout);
        case core::EndedBy::hang:
            return "it showed no sign of life";
        default:
            return {};
    }
}

Rarely<Cause> JobDesk::explain(const JobRecord& record, Outcome* outcome,
                               const core::JobEnded& end) const
{
    switch (end.by) {
        case core::EndedBy::worker:
            return outcome != nullptr ? std::move(outcome->cause) : Rarely<Cause>{};
        case core::EndedBy::worker_death:
        case core::EndedBy::limit:
            return outside_.cause_of_death(end.worker);
        default:
            break;
    }
    Cause cause;
    if (outcome != nullptr) {
        cause = traces_in(outcome->cause.take());  // it failed first, when told to stop
    } else if (end.was == JobState::running) {
        cause = outside_.traces(end.worker);
    }
    cause.kind = kind_of(end.by);
    cause.text = end.by == core::EndedBy::halt   ? "its batch has given up"
                 : end.by == core::EndedBy::stop ? "the daemon stopped"
                                                 : how_long(record, end.by);
    if (end.by != core::EndedBy::timeout && end.by != core::EndedBy::hang) {
        cause.was = name_of(end.was);
    }
    return cause;
}

void JobDesk::retried(const core::JobRetried& end)
{
    JobRecord& record = records_.at(end.job);
    stop_watching(end.job, end.worker);
    Outcome* outcome = outcome_of(end.job);
    Attempt attempt{
        .state = end.state,
        .worker = end.worker.slot,
        .run_ns = nanoseconds(outside_.now() - end.offered),
        .cause =
            explain(record, outcome,
                    core::JobEnded{
                        .job = end.job, .state = end.state, .by = end.by, .worker = end.worker})};
    if (outcome != nullptr && end.by == core::EndedBy::worker) {
        attempt.run_ns = outcome->run_ns;
    }
    forget_outcome(end.job);
    const auto reader = reader_of(record);
    ClientSession* session = reader ? outside_.session(reader->session) : nullptr;
    JobAsk& ask = ask_of(record);
    if (session != nullptr && (record.submission.want_started || ask.want_retrying)) {
        session->deliver(reader->tag, Retrying{.tag = reader->tag,
                                               .job = end.job,
                                               .attempt = end.attempt,
                                               .worker = end.worker.slot,
                                               .delay_ns = nanoseconds(end.delay),
                                               .state = end.state,
                                               .cause = attempt.cause});
    }
    ask.tried += outside_.now() - end.offered;
    // What is remembered takes room of its user's as long as the job lives.
    const Submitter owner{.session = record.session, .uid = record.uid};
    admission_.leave(owner, load_of(record.submission));
    remember(ask, attempt);
    admission_.enter(owner, load_of(record.submission));
}

void JobDesk::ended(const core::JobEnded& end)
{
    JobRecord record = records_.take(end.job);
    admission_.leave({.session = record.session, .uid = record.uid}, load_of(record.submission));
    stop_watching(end.job, end.worker);
    JobResult head;
    head.job = end.job;
    head.state = end.state;
    head.worker = end.worker.slot;
    head.attempt = end.attempt;
    const bool ran = end.worker.slot != SlotId{};
    const core::TimePoint now = outside_.now();
    const core::Duration tried =
        record.submission.ask ? record.submission.ask->tried : core::Duration::zero();
    head.queue_ns = nanoseconds((ran ? end.offered : now) - record.submitted - tried);
    head.run_ns = ran ? nanoseconds(now - end.offered) : 0;
    Payload payload;
    Outcome* outcome = outcome_of(end.job);
    if (outcome != nullptr) {
        head.usage = outcome->usage;
        if (end.by == core::EndedBy::worker) {
            head.run_ns = outcome->run_ns;
            payload = std::move(outcome->payload);
        }
    } else if (ran) {
        head.usage = outside_.usage_of(end.worker);
    }
    head.cause = explain(record, outcome, end);
    forget_outcome(end.job);
    if (end.poison) {
        head.cause.edit().poison = true;
    }
    if (record.submission.ask) {
        batches_.job_ended(record.submission.ask->batch.batch());
        head.attempts = std::move(record.submission.ask->attempts);
        record.submission.ask->attempts.clear();
    }
    const Ended ended{.job = end.job, .uid = record.uid, .state = end.state};
    if (recent_.size() < remembered_ends) {
        recent_.push_back(ended);
    } else {
        recent_[oldest_recent_] = ended;
        oldest_recent_ = (oldest_recent_ + 1) % remembered_ends;
    }
    if (end.poison) {
        keep_poison(record, head.cause);
    }
    if (record.defaults != no_defaults) {
        defaults_.release(record.defaults);
    }
    deliver_result(record, std::move(head), std::move(payload));
    cancel_watches_.settle(end);
}

void JobDesk::keep_poison(JobRecord& record, const Cause& cause)
{
    const PoolEntry& pool = outside_.pools.entry(record.submission.pool);
    SetAside::Job aside{.id = record.id,
                        .uid = record.uid,
                        .pool = pool.name,
                        .handler = pool.handlers.at(record.submission.handler).name,
                        .submission = {},
                        .cause = cause,
                        .since = outside_.now()};
    Submission& kept = aside.submission;
    kept.content = std::move(record.submission.content);
    kept.ask = std::move(record.submission.ask);
    kept.detached = true;
    kept.want_started = record.submission.want_started;
    kept.want_progress = record.submission.want_progress;
    if (kept.ask) {
        kept.ask->batch = {};
        kept.ask->parent = {};
        drop_delay(*kept.ask);
        kept.ask->tried = {};
    }
    log::warning("job set aside", {{"job", number(record.id)}, {"pool", pool.name}});
    set_aside_.keep(std::move(aside));
}

void JobDesk::deliver_result(const JobRecord& record, JobResult&& head, Payload&& payload)
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
        session->deliver_result(std::move(head), std::move(payload));
    }
}

}  // namespace jobmill::daemon
