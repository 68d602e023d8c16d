// SPDX-License-Identifier: MIT
#include "daemon/processes.hpp"

#include <unistd.h>

#include <algorithm>

#include "daemon/exit_log.hpp"
#include "daemon/log.hpp"
#include "daemon/process_reading.hpp"

namespace jobmill::daemon {

Processes::Processes(loop::EventLoop& loop, FlushList& flush_list, UniqueFd executable,
                     Cgroups cgroups, Callbacks callbacks)
    : loop_(loop),
      flush_list_(flush_list),
      executable_(std::move(executable)),
      cgroups_(std::move(cgroups)),
      callbacks_(std::move(callbacks)),
      templates_(
          loop, flush_list,
          Templates::Callbacks{
              .on_loaded = callbacks_.on_loaded,
              .on_failed = callbacks_.on_template_failed,
              .on_forked = [this](PoolId pool, const Forked& forked) { on_forked(pool, forked); },
              .on_lost = [this](PoolId pool) { on_template_lost(pool); }})
{
}

void Processes::carry_out(const core::StartTemplate& effect)
{
    const PoolPlan& plan = pools_.at(effect.pool);
    if (const auto served = cgroups_.serve(plan.cgroup); !served) {
        callbacks_.on_template_failed(effect.pool, served.error().what);
        callbacks_.post(core::TemplateLost{effect.pool});
        return;
    }
    templates_.start(effect.pool, plan, executable_.get());
}

void Processes::on_template_lost(PoolId pool)
{
    // What it was asked for and did not report will not come. Should a worker be alive after all,
    // it finds its link ended and leaves; as a stranger it is killed besides.
    std::vector<WorkerId> lost;
    for (const auto& [worker, pending] : pending_forks_) {
        if (pending.first == pool) {
            lost.push_back(worker);
        }
    }
    if (!lost.empty() && failed_starts_.refused(pool, loop::EventLoop::now())) {
        callbacks_.on_workers_failed(
            pool, "its workers cannot be started: its template dies when it forks them");
    }
    for (const WorkerId worker : lost) {
        give_up_fork(worker);
        callbacks_.post(core::ForkFailed{worker});
    }
    callbacks_.post(core::TemplateLost{pool});
    sweep();
}

void Processes::fork_worker(PoolId pool, WorkerId worker)
{
    const PoolPlan& plan = pools_.at(pool);
    auto process = WorkerProcess::create(
        loop_, flush_list_, worker,
        {.on_report = [this](WorkerId id, WorkerReport& report, UniqueFd blob,
                             bool more) { on_worker_report(id, report, std::move(blob), more); },
         .on_heard = [this](WorkerId id) { callbacks_.post(core::WordsHeard{id}); },
         .on_misbehaved = [this](WorkerId id) { callbacks_.post(core::WorkerMisbehaved{id}); },
         .on_exited = [this, pool](WorkerId id) { on_worker_exited(pool, id); }});
    auto& place = workers_[number(worker.slot)];
    if (place) {
        graveyard_.push_back(std::move(place));
    }
    if (!process) {
        fail_start(pool, worker, process.error().what);
        return;
    }
    place = std::move(*process);
    place->belong_to(pool);
    place->bound_payloads(max_payload_);
    if (plan.spawn) {
        spawn_worker(plan, *place);
        return;
    }
    TemplateProcess* parent = templates_.find(pool);
    if (parent == nullptr) {
        callbacks_.post(core::ForkFailed{worker});
        return;
    }
    pending_forks_.emplace(worker, Pending{pool, orphans_.fork_asked()});
    parent->fork(worker, place->take_child_ends());
}

void Processes::spawn_worker(const PoolPlan& plan, WorkerProcess& process)
{
    const WorkerId worker = process.id();
    const std::vector<UniqueFd> ends = process.take_child_ends();
    const Inherited inherited[] = {{.ours = ends[0].get(), .theirs = 3},
                                   {.ours = ends[1].get(), .theirs = 4},
                                   {.ours = ends[2].get(), .theirs = STDERR_FILENO}};
    const auto command = worker_command(plan, executable_.get(),
                                        {"--worker", "--slot", std::to_string(number(worker.slot)),
                                         "--generation", std::to_string(worker.generation)});
    const auto pid = command ? spawn(*command, inherited)
                             : Result<pid_t>{tl::unexpected<Error>(command.error())};
    if (!pid) {
        fail_start(process.pool(), worker, pid.error().what);
        return;
    }
    (void)adopt(worker, *pid);
}

WorkerProcess* Processes::worker(WorkerId worker)
{
    const auto found = workers_.find(number(worker.slot));
    const bool same = found != workers_.end() && found->second && found->second->id() == worker;
    return same ? found->second.get() : nullptr;
}

void Processes::remove_pool(PoolId pool)
{
    pools_.erase(pool);
    templates_.forget(pool);
    failed_starts_.forget(pool);
}

void Processes::carry_out(const core::DismissTemplate& effect)
{
    if (TemplateProcess* process = templates_.find(effect.pool)) {
        process->dismiss();
    }
}

void Processes::carry_out(const core::KillTemplate& effect)
{
    templates_.kill_hung(effect.pool);
}

void Processes::probe_templates()
{
    for (const PoolId pool : templates_.probe()) {
        callbacks_.post(core::TemplateSilent{pool});
    }
}

void Processes::carry_out(const core::RaiseCancelFlag& effect)
{
    if (WorkerProcess* process = worker(effect.worker)) {
        process->raise_cancel_flag(effect.sequence);
        if (!process->looks(effect.sequence)) {
            callbacks_.post(core::JobDeaf{.worker = effect.worker, .sequence = effect.sequence});
        }
    }
}

void Processes::carry_out(const core::TakeStack& effect)
{
    if (WorkerProcess* process = worker(effect.worker)) {
        process->take_stack();
    }
}

void Processes::ask_for_words()
{
    for (const auto& [slot, process] : workers_) {
        if (process && process->holds()) {
            to_collect_.push_back(process->id());
        }
    }
}

bool Processes::collect_words()
{
    const bool any = !to_collect_.empty();
    // What they say may bring others.
    while (collected_ < to_collect_.size()) {
        if (WorkerProcess* process = worker(to_collect_[collected_++])) {
            process->collect();
        }
    }
    to_collect_.clear();
    collected_ = 0;
    return any;
}

void Processes::carry_out(const core::CollectWords& effect)
{
    // Once for all that ask for it before it is done: jobs that could not be taken back ask in
    // hundreds.
    const auto waiting = to_collect_.begin() + static_cast<std::ptrdiff_t>(collected_);
    if (std::find(waiting, to_collect_.end(), effect.worker) == to_collect_.end()) {
        to_collect_.push_back(effect.worker);
    }
}

void Processes::carry_out(const core::DismissWorker& effect)
{
    if (WorkerProcess* process = worker(effect.worker)) {
        process->dismiss();
    }
}

void Processes::carry_out(const core::TerminateWorker& effect)
{
    if (WorkerProcess* process = worker(effect.worker)) {
        process->terminate();
    }
}

void Processes::carry_out(const core::KillWorker& effect)
{
    if (WorkerProcess* process = worker(effect.worker)) {
        process->kill();
    }
}

void Processes::carry_out(const core::CondemnWorker& effect)
{
    const WorkerProcess* process = worker(effect.worker);
    const pid_t pid = process == nullptr ? -1 : process->pid();
    const std::string_view stuck = stuck_text(process_state(pid).value_or('?'));
    std::string cause = "it ";
    cause.append(stuck.empty() ? "was killed and is still there" : stuck)
        .append("; another slot takes its place");
    log::error("worker does not die",
               {{"worker", number(effect.worker.slot)},
                {"generation", effect.worker.generation},
                {"pid", pid},
                {"cause", cause}},
               log::always);
}

void Processes::resolve(WorkerId worker)
{
    const auto pending = pending_forks_.find(worker);
    if (pending != pending_forks_.end()) {
        orphans_.fork_resolved(pending->second.second);
        pending_forks_.erase(pending);
        sweep_due_ = sweep_due_ || strangers_;
    }
}

/// The core tries again; whoever submits to the pool is to know why nothing runs in it.
void Processes::fail_start(PoolId pool, WorkerId worker, const std::string& why)
{
    log::error("worker not started", {{"pool", pools_.at(pool).name},
                                      {"worker", number(worker.slot)},
                                      {"generation", worker.generation},
                                      {"cause", why}});
    if (failed_starts_.refused(pool, loop::EventLoop::now())) {
        callbacks_.on_workers_failed(pool, "its workers cannot be started: " + why);
    }
    callbacks_.post(core::ForkFailed{worker});
}

void Processes::fail_fork(PoolId pool, WorkerId worker, const std::string& why)
{
    give_up_fork(worker);
    fail_start(pool, worker, why);
}

void Processes::give_up_fork(WorkerId worker)
{
    resolve(worker);
    bury(worker);
}

void Processes::on_forked(PoolId pool, const Forked& forked)
{
    const auto pending = pending_forks_.find(forked.worker);
    if (pending == pending_forks_.end() || pending->second.first != pool) {
        return;  // its hello came first
    }
    if (forked.error_number != 0) {
        fail_fork(pool, forked.worker, fail_errno("fork", forked.error_number).value().what);
        return;
    }
    (void)adopt(forked.worker, forked.pid);
}

/// Whether the worker lives.
bool Processes::adopt(WorkerId worker, pid_t pid)
{
    WorkerProcess* process = this->worker(worker);
    if (process == nullptr || process->known()) {
        resolve(worker);
        return process != nullptr && process->alive();
    }
    if (is_known(pid)) {
        fail_fork(process->pool(), worker, "process " + std::to_string(pid) + " has another slot");
        return false;
    }
    if (const auto adopted = process->adopt(pid); !adopted) {
        fail_fork(process->pool(), worker, adopted.error().what);
        return false;
    }
    resolve(worker);
    callbacks_.post(core::WorkerForked{worker});
    enter_group(*process);
    return true;
}

/// Before the worker is offered anything: memory that it has by then stays with the template's.
void Processes::enter_group(WorkerProcess& process)
{
    const PoolPlan& plan = pools_.at(process.pool());
    if (!cgroups_.serve(plan.cgroup).value_or(false)) {
        return;
    }
    if (const auto made = make_group(process); !made) {
        log::warning("worker without control group", {{"pool", plan.name},
                                                      {"worker", number(process.id().slot)},
                                                      {"pid", process.pid()},
                                                      {"cause", made.error().what}});
        if (plan.cgroup == PoolSettings::Cgroup::require) {
            process.accuse("has no control group: " + made.error().what);
            callbacks_.post(core::WorkerMisbehaved{process.id()});
        }
    }
}

Result<void> Processes::make_group(WorkerProcess& process)
{
    JOBMILL_TRY_ASSIGN(WorkerCgroup group, cgroups_.make(process.id()));
    if (auto put = group.put(process.pid()); !put) {
        cgroups_.leave(std::move(group));
        return put;
    }
    process.join(std::move(group));
    return {};
}

void Processes::on_worker_report(WorkerId worker, WorkerReport& report, UniqueFd blob, bool more)
{
    if (const auto* ready = std::get_if<Ready>(&report)) {
        if (ready->worker != worker) {
            callbacks_.post(core::WorkerMisbehaved{worker});
            return;
        }
        // The hello may overtake the template's report, or the template may be gone. One that was
        // found in a dead worker's outbox makes nobody ready.
        if (adopt(worker, ready->pid)) {
            const PoolId pool = this->worker(worker)->pool();
            if (failed_starts_.ready(pool, worker)) {
                callbacks_.on_workers_back(pool);
            }
            callbacks_.post(core::WorkerReady{worker});
        }
        return;
    }
    callbacks_.on_report(worker, report, std::move(blob), more);
}

void Processes::on_worker_exited(PoolId pool, WorkerId worker)
{
    bool by_limit = false;
    if (WorkerProcess* process = this->worker(worker)) {
        log_exit(pools_.at(pool).name, *process);
        by_limit = process->died_of_limit();
        judge_start(pool, *process);
        if (auto group = process->take_group()) {
            cgroups_.leave(std::move(*group));
        }
    }
    callbacks_.post(core::WorkerExited{.worker = worker, .by_limit = by_limit});
    gone_.push_back(worker);
}

void Processes::judge_start(PoolId pool, const WorkerProcess& process)
{
    if (failed_starts_.ended(pool, process.id(), !process.asked_to_leave())) {
        callbacks_.on_workers_failed(pool,
                                     "its workers die before they are ready: " + death_of(process));
    }
}

std::optional<pid_t> Processes::template_pid(PoolId pool) const
{
    const TemplateProcess* process = templates_.find(pool);
    return process == nullptr ? std::nullopt : std::optional{process->pid()};
}

}  // namespace jobmill::daemon
