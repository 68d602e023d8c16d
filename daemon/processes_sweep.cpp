// SPDX-License-Identifier: MIT
// Children that nobody knows: what dead workers have left behind.
#include <algorithm>
#include <csignal>

#include "daemon/log.hpp"
#include "daemon/processes.hpp"

namespace jobmill::daemon {

bool Processes::is_known(pid_t pid) const
{
    const bool worker = std::any_of(workers_.begin(), workers_.end(), [&](const auto& entry) {
        return entry.second && entry.second->alive() && entry.second->pid() == pid;
    });
    return worker || templates_.holds(pid);
}

void Processes::sweep()
{
    std::vector<core::Pid> strangers;
    for (const pid_t pid : list_children()) {
        if (!is_known(pid)) {
            strangers.push_back(core::Pid{pid});
        }
    }
    strangers_ = !strangers.empty();
    for (const core::Pid stranger : orphans_.sighted(strangers)) {
        // A child of ours that is not reaped yet: the number is certainly its own.
        const pid_t pid = number(stranger);
        log::debug("leftover process killed",
                   {{"pid", pid}, {"cause", "a dead worker left it behind"}});
        (void)::kill(pid, SIGKILL);
        if (reap_stranger(pid)) {
            orphans_.reaped(stranger);
        }
    }
    sweep_groups();
}

bool Processes::sweep_last()
{
    sweep();
    return list_children().empty();
}

void Processes::bury(WorkerId worker)
{
    if (const auto found = workers_.find(number(worker.slot));
        found != workers_.end() && found->second && found->second->id() == worker) {
        graveyard_.push_back(std::move(found->second));
        workers_.erase(found);
    }
}

void Processes::end_turn()
{
    // All that its jobs' ends tell of it was asked for. Its place may stay empty for good.
    for (const WorkerId worker : gone_) {
        bury(worker);
    }
    gone_.clear();
    graveyard_.clear();
    templates_.bury();
    if (sweep_due_) {
        sweep_due_ = false;
        sweep();
    }
}

}  // namespace jobmill::daemon
