// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/codec.hpp"
#include "common/progress_cell.hpp"
#include "common/segment.hpp"
#include "daemon/channel.hpp"
#include "daemon/child_process.hpp"
#include "daemon/core/effect.hpp"
#include "daemon/held_offers.hpp"
#include "daemon/job_record.hpp"
#include "daemon/loop/fd_watcher.hpp"
#include "daemon/worker_cgroup.hpp"

namespace jobmill::daemon {

/// One worker process as the daemon sees it: its link, its segment, its standard error, its death.
/// Passive: it is told what to do, and tells what happened.
class WorkerProcess {
public:
    struct Callbacks {
        /// A judged report. A blob, if it has one, is in `blob`, checked. `more`: others have come
        /// with it, so what its worker is free for may wait for the last of them.
        std::function<void(WorkerId, WorkerReport&, UniqueFd blob, bool more)> on_report;
        /// All that came was reported; the last result promised more.
        std::function<void(WorkerId)> on_heard;
        /// It wrote nonsense, or its link ended while it lives.
        std::function<void(WorkerId)> on_misbehaved;
        /// It is reaped, and everything that it said was reported.
        std::function<void(WorkerId)> on_exited;
    };

    [[nodiscard]] static Result<std::unique_ptr<WorkerProcess>> create(loop::EventLoop& loop,
                                                                       FlushList& flush_list,
                                                                       WorkerId id,
                                                                       Callbacks callbacks);

    /// What the process needs: its link, its segment, its standard error. Once.
    [[nodiscard]] std::vector<UniqueFd> take_child_ends() { return std::move(child_ends_); }

    /// The process is known from now on, and a child of ours. Errc::not_found when it is not.
    [[nodiscard]] Result<void> adopt(pid_t pid);
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] bool alive() const noexcept { return static_cast<bool>(pidfd_); }
    /// Whether it was adopted, dead as it may be by now.
    [[nodiscard]] bool known() const noexcept { return pid_ != -1; }
    [[nodiscard]] WorkerId id() const noexcept { return id_; }
    [[nodiscard]] PoolId pool() const noexcept { return pool_; }
    void belong_to(PoolId pool) noexcept { pool_ = pool; }
    /// The process is in that control group from now on.
    void join(WorkerCgroup group);
    /// For its removal, once the process is dead.
    [[nodiscard]] std::optional<WorkerCgroup> take_group()
    {
        return std::exchange(group_, std::nullopt);
    }

    [[nodiscard]] Result<void> offer(const core::OfferJob& offer, const JobRecord& record,
                                     const JobLimits& limits, core::TimePoint now);
    /// Its result of that job may be overwritten. It hears so with its next offer: nobody is woken
    /// up for that.
    void returned(JobId job);
    [[nodiscard]] bool revoke(Sequence sequence);
    void raise_cancel_flag(Sequence sequence);
    /// Whether that job has ever looked at the flag.
    [[nodiscard]] bool looks(Sequence sequence) const;
    /// Has the worker note where its job is.
    void take_stack();
    /// Reports what it has committed in its outbox and not sent.
    void collect();
    /// No result or chunk of a job that begins from now on may have more bytes.
    void bound_payloads(std::uint64_t most)
    {
        segment_.layout().max_payload.store(most, std::memory_order_relaxed);
        most_payload_ = std::max(most_payload_, most);
    }
    /// The most that it was ever told: a job keeps to what held when it began.
    [[nodiscard]] std::uint64_t most_payload() const noexcept { return most_payload_; }
    /// Closes the link: it leaves when it notices.
    void dismiss();
    void terminate();
    void kill();
    void pause_reading(bool paused);
    /// It has to go for that; the text becomes part of the cause. What it had finished counts.
    void accuse(const std::string& fault);
    /// The same of what it has said just now: nothing after that counts.
    void disbelieve(const std::string& fault);

    [[nodiscard]] std::optional<ProgressReading> progress() const;
    [[nodiscard]] Cause cause_of_death() const;
    /// What its job has left behind: the end of its standard error, its last progress, where it
    /// was.
    [[nodiscard]] Cause traces() const;
    /// Whether it died of a limit that its job had asked for.
    [[nodiscard]] bool died_of_limit() const { return !broken_limit().empty(); }
    /// What the job took in which it died; empty while it lives.
    [[nodiscard]] Usage usage() const;
    /// Whether the kernel killed it for want of memory, as far as a control group tells.
    [[nodiscard]] bool ran_out_of_memory() const;
    /// CLOCK_MONOTONIC in ns when it last showed that it lives.
    [[nodiscard]] std::uint64_t heartbeat() const;
    /// Whether its last job began on that CPU, as far as it is known.
    [[nodiscard]] bool was_on(int cpu) const;
    /// Whether it holds a job.
    [[nodiscard]] bool holds() const noexcept { return !offers_.empty(); }
    [[nodiscard]] core::TimePoint last_offer() const noexcept { return last_offer_; }
    [[nodiscard]] const ProcessExit& exit() const noexcept { return exit_; }
    [[nodiscard]] const std::string& stderr_tail() const noexcept { return stderr_tail_; }
    /// The job that it has claimed and not ended.
    [[nodiscard]] std::optional<JobId> claimed_job() const;
    /// The daemon had it leave, by word or by signal.
    [[nodiscard]] bool asked_to_leave() const noexcept { return asked_to_leave_; }
    /// What it did that it must not do.
    [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

private:
    WorkerProcess(WorkerId id, Segment segment, Callbacks callbacks)
        : id_(id), segment_(std::move(segment)), callbacks_(std::move(callbacks))
    {
    }
    void on_link_bytes(ByteView bytes);
    void on_bytes(ByteView bytes);
    void take_from_outbox();
    void take_committed();
    [[nodiscard]] Result<void> report(const Frame& frame, bool more);
    [[nodiscard]] bool report_next();
    void on_death();
    void read_stderr();
    void part_stderr(core::TimePoint now);
    void add_traces(Cause& cause, Sequence sequence) const;
    [[nodiscard]] std::optional<HeldOffers::Offer> last_claimed() const;
    [[nodiscard]] Sequence running() const;
    void note_peak();
    [[nodiscard]] std::optional<std::uint64_t> own_peak() const;
    void take_outcome(JobOutcome& outcome);
    [[nodiscard]] std::string_view broken_limit() const;
    void misbehave(const std::string& fault);

    WorkerId id_;
    PoolId pool_{};
    Segment segment_;
    Callbacks callbacks_;
    std::vector<UniqueFd> child_ends_;
    std::unique_ptr<Channel> channel_;
    FrameSplitter frames_{Link::worker, Direction::to_daemon};
    UniqueFd stderr_;
    std::unique_ptr<loop::FdWatcher> stderr_watcher_;
    std::string stderr_tail_;
    bool stderr_wrote_ = false;   ///< something, not long ago
    bool stderr_parted_ = false;  ///< what is read is of the last job that it was offered alone
    loop::EventLoop* loop_ = nullptr;
    pid_t pid_ = -1;
    UniqueFd pidfd_;
    std::unique_ptr<loop::FdWatcher> pidfd_watcher_;
    ProcessExit exit_;
    std::string fault_;
    std::uint64_t heard_ = 0;  ///< bytes of its stream, by the link or from the outbox
    std::uint64_t whole_ = 0;  ///< of these, in frames that are reported
    bool garbled_ = false;     ///< the link says something that is no frame
    bool refused_ = false;     ///< it said something that cannot be: nothing after it counts
    bool paused_ = false;
    bool more_promised_ = false;  ///< with the last result
    bool dismissed_ = false;
    bool asked_to_leave_ = false;
    bool misbehaved_ = false;
    JobLimits limits_;  ///< of the last job that it was offered
    core::TimePoint last_offer_;
    Sequence last_sequence_{};
    std::uint64_t most_payload_ = 0;
    std::optional<WorkerCgroup> group_;
    CgroupReading last_reading_;  ///< of its group, when it was dead
    std::uint64_t cpu_before_group_ = 0;
    std::uint64_t oom_kills_ = 0;  ///< in its group, in earlier jobs
    std::uint64_t jobs_offered_ = 0;
    std::uint64_t peak_noted_ = 0;  ///< when it was told to end; 0: it was not, or it was too late
    bool stack_asked_ = false;      ///< since then
    HeldOffers offers_;
    std::vector<JobId> returned_;  ///< since its last offer
};

}  // namespace jobmill::daemon
