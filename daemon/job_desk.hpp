// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/codec.hpp"
#include "common/progress_cell.hpp"
#include "daemon/cancel_watches.hpp"
#include "daemon/core/dispatcher.hpp"
#include "daemon/job_records.hpp"
#include "daemon/pool_directory.hpp"
#include "daemon/rights.hpp"
#include "daemon/unread_jobs.hpp"

namespace jobmill::daemon {

class ClientSession;

/// Where jobs come in and their events go out: keeps the payloads, tells the core, and delivers to
/// the session that wants to know. Decides nothing about when or where a job runs.
class JobDesk {
public:
    struct Limits {
        std::uint64_t payload = limits::payload;
        std::uint64_t jobs = 1'000'000;                 ///< unfinished, in all
        std::uint64_t bytes = std::uint64_t{8} << 30U;  ///< of their payloads, in all
        UnreadJobs::Limits unread;
    };

    /// What the desk needs of the rest of the daemon.
    struct Outside {
        const core::Dispatcher& core;
        const PoolDirectory& pools;
        std::function<void(const core::Event&)> post;
        std::function<ClientSession*(SessionId)> session;
        std::function<JobId()> next_job;
        std::function<core::TimePoint()> now;
        std::function<Cause(WorkerId)> cause_of_death;
        std::function<void(WorkerId, bool paused)> pause;
        std::function<std::optional<ProgressReading>(WorkerId)> progress;
    };

    JobDesk(Limits limits, Outside outside)
        : limits_(limits), outside_(std::move(outside)), unread_(limits.unread)
    {
    }

    void set_limits(const Limits& limits);
    /// Jobs that wait in `from` wait in `to` from now on, those whose handler is there as well. Not
    /// to be called while an event is handled: the core must know each job as it is here.
    void move_jobs(PoolId from, PoolId to);

    // ---- requests of sessions ----
    /// Whether there is room for a job with a payload of that size.
    [[nodiscard]] tl::expected<void, ErrorReply> admit(std::uint64_t size) const;
    /// The number of the next job that is submitted.
    [[nodiscard]] JobId next_job() { return outside_.next_job(); }
    /// The job is accepted: it will end in exactly one terminal state, and may do so in here.
    void submit(const Submitter& client, JobId job, Tag tag, Submission submission);
    void cancel(JobId job);
    /// Cancelled, or an error, is sent to the session when all of them are gone. All of them are
    /// the client's own, an admin's too: who means another's job has to name it.
    void cancel_job(ClientSession& session, Tag tag, JobId job);
    void cancel_all(ClientSession& session, Tag tag);
    [[nodiscard]] tl::expected<std::vector<UnreadEvent>, ErrorReply> wait(
        const ClientSession& session, Tag tag, JobId job);
    /// As report_jobs() says.
    [[nodiscard]] std::pair<Array, std::size_t> list(const Identity& client,
                                                     const std::vector<JobId>& wanted) const;
    void session_lost(SessionId session);
    /// The session's reader has caught up: its workers may go on.
    void session_drained(SessionId session);

    // ---- words of workers ----
    void worker_started(JobId job, WorkerId worker);
    void worker_chunk(JobId job, WorkerId worker, Stream stream, Payload payload);
    void worker_outcome(JobId job, Outcome outcome);

    // ---- effects of the core ----
    void offered(JobId job);
    void ended(const core::JobEnded& end);

    [[nodiscard]] const JobRecord& record(JobId job) const { return records_.at(job); }
    [[nodiscard]] bool knows(JobId job) const { return records_.contains(job); }
    [[nodiscard]] std::size_t unfinished() const noexcept { return records_.size(); }
    /// The recent end of a job that is no longer known, for a kind word to who asks.
    [[nodiscard]] std::optional<JobState> recent_end(JobId job, const Identity& client) const;

    void sample_progress();
    [[nodiscard]] bool has_progress_watchers() const noexcept { return !watched_.empty(); }
    [[nodiscard]] const UnreadJobs& unread() const noexcept { return unread_; }
    [[nodiscard]] UnreadJobs& unread() noexcept { return unread_; }

private:
    /// A worker that is not listened to, and for whose sake.
    struct Paused {
        SessionId session{};
        Tag tag{};
    };
    struct Ended {
        JobId job{};
        unsigned uid = 0;
        JobState state{};
    };

    /// A job whose progress somebody wants, and which they have heard of last.
    struct Watched {
        JobId job{};
        std::uint64_t version = 0;
    };

    [[nodiscard]] const JobRecord* find(JobId job, const Identity& client) const;
    [[nodiscard]] std::optional<Reader> reader_of(const JobRecord& record) const;
    void deliver_result(const JobRecord& record, JobResult head, Payload payload);
    void send_progress(Watched& watched, WorkerId worker);
    void answer_cancel(SessionId session, const Cancelled& answer) const;
    void cancel_watched(JobId job, std::uint64_t watch);

    Limits limits_;
    Outside outside_;
    JobRecords records_;
    UnreadJobs unread_;
    std::vector<Watched> watched_;  ///< running ones
    CancelWatches cancel_watches_{
        [this](SessionId session, const Cancelled& answer) { answer_cancel(session, answer); }};
    std::unordered_map<WorkerId, Paused> paused_;
    std::deque<Ended> recent_;
};

}  // namespace jobmill::daemon
