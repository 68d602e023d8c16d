// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "daemon/cgroups.hpp"
#include "daemon/core/effect.hpp"
#include "daemon/core/orphan_ledger.hpp"
#include "daemon/failed_starts.hpp"
#include "daemon/templates.hpp"
#include "daemon/worker_process.hpp"

namespace jobmill::daemon {

/// All processes of the daemon: templates, workers, and what dead workers have left behind.
class Processes {
public:
    struct Callbacks {
        std::function<void(const core::Event&)> post;
        std::function<void(PoolId, const Value& handlers)> on_loaded;
        std::function<void(PoolId, const std::string& why)> on_template_failed;
        /// None of the pool's workers becomes ready; and one is, after that.
        std::function<void(PoolId, const std::string& why)> on_workers_failed;
        std::function<void(PoolId)> on_workers_back;
        std::function<void(WorkerId, WorkerReport&, UniqueFd blob, bool more)> on_report;
    };

    /// So often every template is asked for a sign of life.
    static constexpr std::chrono::seconds probe_period{5};

    Processes(loop::EventLoop& loop, FlushList& flush_list, UniqueFd executable, Cgroups cgroups,
              Callbacks callbacks);

    void add_pool(PoolId pool, PoolPlan plan) { pools_.insert_or_assign(pool, std::move(plan)); }
    /// Whether its workers get control groups.
    [[nodiscard]] bool has_groups(PoolId pool) const
    {
        return cgroups_.serve(pools_.at(pool).cgroup).value_or(false);
    }
    /// One without processes.
    void remove_pool(PoolId pool);

    // What the core asks for. Those that name a worker which is no more are without effect.
    void carry_out(const core::StartTemplate& effect);
    void carry_out(const core::DismissTemplate& effect);
    void carry_out(const core::KillTemplate& effect);
    void carry_out(const core::ForkWorker& effect) { fork_worker(effect.pool, effect.worker); }
    void carry_out(const core::RaiseCancelFlag& effect);
    void carry_out(const core::TakeStack& effect);
    /// By the next collect_words(): within an event nothing that they say could be handled.
    void carry_out(const core::CollectWords& effect);
    void carry_out(const core::DismissWorker& effect);
    void carry_out(const core::TerminateWorker& effect);
    void carry_out(const core::KillWorker& effect);
    void carry_out(const core::CondemnWorker& effect);

    /// All workers that hold jobs are to be asked for what they have committed and not sent: each
    /// would wake the loop for it.
    void ask_for_words();
    /// Takes it from those that are to be asked; answers whether any was. Not to be called from
    /// within callbacks.
    bool collect_words();

    /// No worker's result or chunk may have more bytes from now on.
    void bound_payloads(std::uint64_t most)
    {
        max_payload_ = most;
        for (const auto& [slot, process] : workers_) {
            if (process) {
                process->bound_payloads(most);
            }
        }
    }

    /// The process of that slot if it is of that generation, alive or dead in this turn; null
    /// otherwise.
    [[nodiscard]] WorkerProcess* worker(WorkerId worker);

    /// Those that are alive.
    template <typename Visitor>
    void each_worker(Visitor visit) const
    {
        for (const auto& [slot, process] : workers_) {
            if (process && process->alive()) {
                visit(*process);
            }
        }
    }

    /// Some child has ended: kills and reaps what dead workers have left.
    void sweep();
    /// The same when nobody is to be left: true once there is no child at all.
    [[nodiscard]] bool sweep_last();
    /// Control groups that could not be removed at once.
    void sweep_groups() { (void)cgroups_.sweep(); }
    /// Those that have not answered the last time are reported as silent.
    void probe_templates();
    /// Whether no worker of the pool could be started, and none is ready since: that its template
    /// has loaded, once more, is no news then.
    [[nodiscard]] bool starts_none(PoolId pool) const { return failed_starts_.is_hopeless(pool); }
    /// Whether no template has been silent for long.
    [[nodiscard]] bool templates_answer() const { return templates_.answer(); }
    /// Asks the templates to leave; kill_templates() makes them.
    void dismiss_templates() { templates_.dismiss_all(); }
    void kill_templates() { templates_.kill_all(); }
    [[nodiscard]] bool templates_gone() const { return templates_.empty(); }
    /// Frees what died during the turn, and judges strangers anew when a fork was resolved; not to
    /// be called from within callbacks.
    void end_turn();
    [[nodiscard]] std::optional<pid_t> template_pid(PoolId pool) const;

private:
    void fork_worker(PoolId pool, WorkerId worker);

    using Pending = std::pair<PoolId, core::ForkNumber>;

    void on_forked(PoolId pool, const Forked& forked);
    void on_template_lost(PoolId pool);
    void on_worker_report(WorkerId worker, WorkerReport& report, UniqueFd blob, bool more);
    void on_worker_exited(PoolId pool, WorkerId worker);
    void judge_start(PoolId pool, const WorkerProcess& process);
    [[nodiscard]] bool adopt(WorkerId worker, pid_t pid);
    void enter_group(WorkerProcess& process);
    [[nodiscard]] Result<void> make_group(WorkerProcess& process);
    void resolve(WorkerId worker);
    void fail_start(PoolId pool, WorkerId worker, const std::string& why);
    void fail_fork(PoolId pool, WorkerId worker, const std::string& why);
    void give_up_fork(WorkerId worker);
    /// What is left of it goes with the end of the turn.
    void bury(WorkerId worker);
    void spawn_worker(const PoolPlan& plan, WorkerProcess& process);
    [[nodiscard]] bool is_known(pid_t pid) const;

    loop::EventLoop& loop_;
    FlushList& flush_list_;
    UniqueFd executable_;
    Cgroups cgroups_;
    std::map<PoolId, PoolPlan> pools_;
    Callbacks callbacks_;
    Templates templates_;
    FailedStarts failed_starts_;
    std::unordered_map<std::uint32_t, std::unique_ptr<WorkerProcess>> workers_;  ///< by slot
    std::unordered_map<WorkerId, Pending> pending_forks_;
    core::OrphanLedger orphans_;
    bool strangers_ = false;  ///< some child is neither known nor judged yet
    /// A stranger may have been waiting for just that fork: whichever word of it comes first, the
    /// template's or the worker's own.
    bool sweep_due_ = false;
    std::vector<WorkerId> gone_;  ///< since the last turn: their ends are still told
    std::vector<std::unique_ptr<WorkerProcess>> graveyard_;
    std::vector<WorkerId> to_collect_;
    std::size_t collected_ = 0;  ///< of these, so many in this turn
    std::uint64_t max_payload_ = limits::payload;
};

}  // namespace jobmill::daemon
