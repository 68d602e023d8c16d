// SPDX-License-Identifier: MIT
// Jobs that nobody wants any more: cancelled, or their client is gone.
#include "daemon/client_session.hpp"
#include "daemon/job_desk.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {

void JobDesk::cancel(JobId job)
{
    outside_.post(core::CancelRequested{.job = job});
}

void JobDesk::cancel_unless_running(SessionId session, Tag tag, JobId job)
{
    cancel_watches_.expect_of_tag(session, tag, job);
    outside_.post(core::CancelRequested{.job = job, .unless_running = true});
}

void JobDesk::cancel_job(ClientSession& session, const Cancel& request)
{
    const JobId job = request.job;
    if (find(job, session.identity()) == nullptr) {
        const auto end = recent_end(job, session.identity());
        session.answer_cancel(
            request.tag, ErrorMessage{.tag = request.tag,
                                      .error = refusal(error_code::not_found,
                                                       end ? "already " + std::string{name_of(*end)}
                                                           : "no such live job",
                                                       "job")});
        return;
    }
    const std::uint64_t watch =
        cancel_watches_.open(session.id(), request.tag, request.unless_running);
    cancel_watches_.expect(watch, job);
    outside_.post(core::CancelRequested{.job = job, .unless_running = request.unless_running});
    cancel_watches_.close(watch);
}

void JobDesk::cancel_many(ClientSession& session, const Cancel& request)
{
    const Submitter asker{.session = session.id(), .uid = session.identity().uid};
    const std::size_t jobs = records_.count_of(asker.uid);
    if (mass_cancels_.may_look(asker.uid, jobs)) {
        cancel_meant(asker, request);
        return;
    }
    session.await_look();
    // The client's own words are gone by then.
    const auto look = [this, asker, request, name = std::string{request.name}] {
        Cancel asked = request;
        asked.name = name;
        cancel_meant(asker, asked);
        if (ClientSession* waiting = outside_.session(asker.session)) {
            waiting->look_is_over();
        }
    };
    mass_cancels_.put_off(asker.uid, jobs, look);
}

void JobDesk::cancel_meant(const Submitter& asker, const Cancel& request)
{
    const auto batch =
        request.what == CancelWhat::batch ? batches_.find(asker.uid, request.name) : std::nullopt;
    const auto is_meant = [&](const JobRecord& record) {
        const JobAsk* ask = record.submission.ask.get();
        switch (request.what) {
            case CancelWhat::label:
                return record.submission.content.label() == request.name;
            case CancelWhat::batch:
                return batch && ask != nullptr && ask->batch.batch() == *batch;
            case CancelWhat::session:
                return record.session == asker.session && !record.submission.detached;
            default:
                return true;
        }
    };
    std::vector<JobId> jobs;
    records_.each_of(asker.uid, [&](const JobRecord& record) {
        if (is_meant(record)) {
            jobs.push_back(record.id);
        }
        return true;
    });
    if (jobs.empty()) {
        const char* const field = request.what == CancelWhat::label     ? "label"
                                  : request.what == CancelWhat::batch   ? "batch"
                                  : request.what == CancelWhat::session ? "session"
                                                                        : "all";
        if (ClientSession* session = outside_.session(asker.session)) {
            session->answer_cancel(
                request.tag,
                ErrorMessage{.tag = request.tag,
                             .error = refusal(error_code::not_found, "no unfinished jobs", field)});
        }
        return;
    }
    const std::uint64_t watch =
        cancel_watches_.open(asker.session, request.tag, request.unless_running);
    mass_cancels_.begin({.uid = asker.uid,
                         .jobs = std::move(jobs),
                         .unless_running = request.unless_running,
                         .before = [this, watch](JobId job) { cancel_watches_.expect(watch, job); },
                         .after = [this, watch] { cancel_watches_.close(watch); }});
}

void JobDesk::answer_cancel(SessionId session, const Reply& answer) const
{
    ClientSession* asker = outside_.session(session);
    if (asker == nullptr) {
        return;
    }
    if (const auto* about_job = std::get_if<ErrorMessage>(&answer)) {
        asker->deliver(about_job->tag, *about_job);
    } else if (const auto* cancelled = std::get_if<Cancelled>(&answer)) {
        asker->answer_cancel(cancelled->tag, answer);
    }
}

void JobDesk::session_lost(SessionId session, unsigned uid, std::size_t unfinished)
{
    session_drained(session);
    unread_.detach(session);
    batches_.session_lost(session);
    if (unfinished <= MassCancels::jobs_a_turn) {
        outside_.post(core::SessionLost{session});  // the core cancels them
        return;
    }
    const auto cancel_its = [this, session, uid] {
        std::vector<JobId> jobs;
        records_.each_of(uid, [&](const JobRecord& record) {
            if (record.session == session && !record.submission.detached) {
                jobs.push_back(record.id);
            }
            return true;
        });
        mass_cancels_.begin(
            {.uid = uid,
             .jobs = std::move(jobs),
             .unless_running = false,
             .before = [](JobId) {},
             .after = [this, session] { outside_.post(core::SessionLost{session}); }});
    };
    const std::size_t jobs_of_user = records_.count_of(uid);
    if (mass_cancels_.may_look(uid, jobs_of_user)) {
        cancel_its();
    } else {
        mass_cancels_.put_off(uid, jobs_of_user, cancel_its);
    }
}

}  // namespace jobmill::daemon
