// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/codec.hpp"
#include "common/progress_cell.hpp"
#include "daemon/admission.hpp"
#include "daemon/batches.hpp"
#include "daemon/cancel_watches.hpp"
#include "daemon/core/dispatcher.hpp"
#include "daemon/job_defaults.hpp"
#include "daemon/job_records.hpp"
#include "daemon/labels.hpp"
#include "daemon/lent_results.hpp"
#include "daemon/mass_cancels.hpp"
#include "daemon/output_room.hpp"
#include "daemon/pool_directory.hpp"
#include "daemon/rights.hpp"
#include "daemon/set_aside.hpp"
#include "daemon/unread_jobs.hpp"

namespace jobmill::daemon {

class ClientSession;

/// Where jobs come in and their events go out: keeps the payloads, tells the core, and delivers to
/// the session that wants to know. Decides nothing about when or where a job runs.
class JobDesk {
public:
    struct Limits {
        Admission::Limits room;
        UnreadJobs::Limits unread;
        OutputRoom::Limits output;
        SetAside::Limits set_aside;
    };

    /// What the desk needs of the rest of the daemon.
    struct Outside {
        const core::Dispatcher& core;
        const PoolDirectory& pools;
        std::function<void(const core::Event&)> post;
        /// The same by who has read the clock just now.
        std::function<void(const core::Event&, core::TimePoint)> post_at;
        std::function<ClientSession*(SessionId)> session;
        std::function<JobId()> next_job;
        std::function<core::TimePoint()> now;
        std::function<Cause(WorkerId)> cause_of_death;
        /// What its job has left behind: standard error, progress, stack.
        std::function<Cause(WorkerId)> traces;
        /// What the job took in which it died; empty while it lives.
        std::function<Usage(WorkerId)> usage_of;
        std::function<void(WorkerId, bool paused)> pause;
        /// The worker's result of that job has no reader any more.
        std::function<void(WorkerId, JobId)> returned;
        std::function<std::optional<ProgressReading>(WorkerId)> progress;
    };

    JobDesk(Limits limits, Outside outside)
        : outside_(std::move(outside)),
          admission_(limits.room),
          unread_(limits.unread),
          output_room_(limits.output),
          batches_([this](const core::Event& event) { outside_.post(event); },
                   [this](core::BatchId batch) { return outside_.core.counts(batch); })
    {
        set_aside_.set_limits(limits.set_aside);
    }

    void set_limits(const Limits& limits);
    /// Gives labels rules, or other ones, or none. Not to be called while an event is handled.
    void set_labels(const std::vector<LabelSettings>& labels);
    /// Jobs that wait in `from`, and those that come back to it later, wait in `to` from now on,
    /// if their handler is there as well. Not to be called while an event is handled: the core must
    /// know each job as it is here.
    void move_jobs(PoolId from, PoolId to);

    // ---- requests of sessions ----
    /// Whether there is room, judged before a submit; the jobs that are submitted take it.
    [[nodiscard]] Admission& admission() noexcept { return admission_; }
    [[nodiscard]] LentResults& lent_results() noexcept { return lent_results_; }
    /// A client has given that job's result back, which that worker has sent.
    void returned(JobId job, WorkerId worker) { outside_.returned(worker, job); }
    /// Where sessions account for what their clients have not read.
    [[nodiscard]] OutputRoom& output_room() noexcept { return output_room_; }
    /// What a submit to that pool asks for; null when it is what the pool does by default. It
    /// has a seat in the batch that it names.
    [[nodiscard]] tl::expected<std::unique_ptr<JobAsk>, ErrorReply> ask(
        const Submitter& client, const Rarely<JobOptions>& wish, const Route& route);
    /// What the submission asks for, to be added to.
    [[nodiscard]] JobAsk& ask_of(Submission& submission) const;
    /// The number of the next job that is submitted.
    [[nodiscard]] JobId next_job() { return outside_.next_job(); }
    /// The job is accepted: it will end in exactly one terminal state, and may do so in here. It is
    /// offered to a worker by end_submits().
    void submit(const Submitter& client, JobId job, Tag tag, Submission&& submission);
    /// What has been submitted so far is offered to workers: once for all that came in a turn.
    void end_submits();
    void cancel(JobId job);
    /// The same unless it runs: then the session hears that it does, about that tag.
    void cancel_unless_running(SessionId session, Tag tag, JobId job);
    /// Cancelled, or an error, is sent to the session when all of them are gone. All of them are
    /// the client's own, an admin's too: who means another's job has to name it.
    void cancel_job(ClientSession& session, const Cancel& request);
    /// All of the client's own jobs, or those of that batch, label or session. Where they are many
    /// to look at, it does so when its turn comes, and the session waits for that.
    void cancel_many(ClientSession& session, const Cancel& request);
    /// The number of a new job that is as the one that was set aside.
    [[nodiscard]] tl::expected<JobId, ErrorReply> retry(const ClientSession& session, JobId job);
    [[nodiscard]] tl::expected<std::vector<UnreadEvent>, ErrorReply> wait(
        const ClientSession& session, Tag tag, JobId job);
    /// As report_jobs() says.
    [[nodiscard]] std::pair<Array, std::size_t> list(const Identity& client,
                                                     const std::vector<JobId>& wanted) const;
    /// The client is gone, whose session had so many unfinished jobs at most.
    void session_lost(SessionId session, unsigned uid, std::size_t unfinished);
    /// The session's reader has caught up: its workers may go on.
    void session_drained(SessionId session);
    /// Its client leaves much unread, or has caught up: its jobs wait, or go on.
    void session_behind(SessionId session, bool behind);

    /// All that the worker says is heard, though some of it has a reader who does not keep up.
    void hear_out(WorkerId worker);

    // ---- words of workers ----
    void worker_started(JobId job, WorkerId worker);
    void worker_chunk(JobId job, WorkerId worker, Stream stream, Payload payload);
    /// What the worker says of the job is to be put there, before the desk hears of anything else.
    [[nodiscard]] Outcome& worker_outcome(JobId job);

    // ---- effects of the core ----
    const JobRecord& offered(JobId job);
    void ended(const core::JobEnded& end);
    void retried(const core::JobRetried& end);
    void handed_over(const core::JobHandedOver& effect);
    void let_be(JobId job) { cancel_watches_.let_be(job); }
    void halted(core::BatchId batch) { batches_.halted(batch); }

    /// What a worker has to hold the job to: as it was submitted, whatever its pool says by now.
    [[nodiscard]] const JobLimits& limits_of(const JobRecord& record) const;
    [[nodiscard]] const Batches& batches() const noexcept { return batches_; }
    [[nodiscard]] const Labels& labels() const noexcept { return labels_; }
    [[nodiscard]] const SetAside& set_aside() const noexcept { return set_aside_; }

    [[nodiscard]] const JobRecord& record(JobId job) const { return records_.at(job); }
    [[nodiscard]] bool knows(JobId job) const { return records_.contains(job); }
    [[nodiscard]] std::size_t unfinished() const noexcept { return records_.size(); }
    /// The recent end of a job that is no longer known, for a kind word to who asks.
    [[nodiscard]] std::optional<JobState> recent_end(JobId job, const Identity& client) const;

    /// What is not told as it happens, several times a second while there may be some: progress,
    /// and jobs that have waited for their readers for a while.
    void look_around();
    [[nodiscard]] bool has_to_look() const noexcept;
    /// Cancels of many jobs that go on in the next turn.
    [[nodiscard]] MassCancels& mass_cancels() noexcept { return mass_cancels_; }
    [[nodiscard]] const UnreadJobs& unread() const noexcept { return unread_; }
    [[nodiscard]] UnreadJobs& unread() noexcept { return unread_; }

private:
    /// A worker that is not listened to, and for whose sake.
    struct Paused {
        SessionId session{};
        Tag tag{};
        JobId job{};
        core::TimePoint since{};
        bool told = false;  ///< the core knows that the job is paused for long
    };
    struct Ended {
        JobId job{};
        unsigned uid = 0;
        JobState state{};
    };

    struct Said {
        JobId job{};
        Outcome outcome;
    };
    /// A job whose progress somebody wants, and which they have heard of last.
    struct Watched {
        JobId job{};
        std::uint64_t version = 0;
    };

    [[nodiscard]] const JobRecord* find(JobId job, const Identity& client) const;
    [[nodiscard]] std::optional<Reader> reader_of(const JobRecord& record) const;
    void relabel(const std::map<std::string_view, core::LabelId>& fresh);
    void deliver_result(const JobRecord& record, JobResult&& head, Payload&& payload);
    void tell_paused();
    void send_progress(Watched& watched, WorkerId worker);
    void answer_cancel(SessionId session, const Reply& answer) const;
    /// Answers when those that are meant are gone, or that there are none.
    void cancel_meant(const Submitter& asker, const Cancel& request);
    [[nodiscard]] const core::JobTerms& terms_of(const JobRecord& record) const;
    [[nodiscard]] bool runs_command(const Submission& submission) const;
    /// The same as the record had, to be added to.
    [[nodiscard]] JobAsk& ask_of(JobRecord& record) const;
    void stop_watching(JobId job, WorkerId worker);
    /// What the worker has said of the attempt that is over; null if it has not.
    [[nodiscard]] Outcome* outcome_of(JobId job);
    void forget_outcome(JobId job);
    /// Takes the cause out of the outcome, if there is one.
    [[nodiscard]] Rarely<Cause> explain(const JobRecord& record, Outcome* outcome,
                                        const core::JobEnded& end) const;
    [[nodiscard]] std::string how_long(const JobRecord& record, core::EndedBy by) const;
    void keep_poison(JobRecord& record, const Cause& cause);

    Outside outside_;
    Admission admission_;  ///< before those who have taken room in it
    JobDefaults defaults_;
    JobRecords records_;
    std::vector<PoolId> submitted_to_;  ///< since end_submits()
    std::vector<PoolId> offered_to_;    ///< reused by it
    LentResults lent_results_;
    UnreadJobs unread_;
    OutputRoom output_room_;
    Batches batches_;
    Labels labels_;
    SetAside set_aside_;
    std::vector<Watched> watched_;  ///< running ones
    CancelWatches cancel_watches_{
        [this](SessionId session, const Reply& answer) { answer_cancel(session, answer); }};
    MassCancels mass_cancels_{
        {.post = outside_.post, .knows = [this](JobId job) { return records_.contains(job); }}};
    std::unordered_map<WorkerId, Paused> paused_;
    std::vector<Ended> recent_;  ///< the last ones, in a ring
    std::size_t oldest_recent_ = 0;
    /// From a worker's last word to the end of the attempt, which follows: seldom more than one.
    std::vector<Said> said_;
};

}  // namespace jobmill::daemon
