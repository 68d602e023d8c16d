// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/pool_settings.hpp"
#include "daemon/template_process.hpp"

namespace jobmill::daemon {

/// How a pool's processes are started.
struct PoolPlan {
    std::string name;
    /// The program's name and what comes before the worker's own arguments. One that begins with a
    /// slash is executed by that name instead of jobmill-worker.
    std::vector<std::string> command{"jobmill-worker"};
    std::vector<std::string> files;         ///< that have to be there besides
    std::vector<std::string> what_to_load;  ///< arguments of jobmill-worker
    std::vector<std::string> environment;
    std::string socket;  ///< of the daemon, for jobs that submit jobs
    bool spawn = false;  ///< workers load for themselves instead of being forked
    PoolSettings::Cgroup cgroup = PoolSettings::Cgroup::automatic;
};

/// What is executed: `executable` is jobmill-worker's; `mode` comes before what the pool loads.
/// Fails when a file is not there.
[[nodiscard]] Result<Command> worker_command(const PoolPlan& plan, int executable,
                                             const std::vector<std::string>& mode);

/// The template of each pool: its start, its signs of life, its end.
class Templates {
public:
    struct Callbacks {
        std::function<void(PoolId, const Value& handlers)> on_loaded;
        std::function<void(PoolId, const std::string& why)> on_failed;
        std::function<void(PoolId, const Forked&)> on_forked;
        /// It is gone, or did not come to be.
        std::function<void(PoolId)> on_lost;
    };

    Templates(loop::EventLoop& loop, FlushList& flush_list, Callbacks callbacks)
        : loop_(loop), flush_list_(flush_list), callbacks_(std::move(callbacks))
    {
    }

    void start(PoolId pool, const PoolPlan& plan, int executable);
    /// A pool that has none any more.
    void forget(PoolId pool) { unready_starts_.erase(pool); }

    /// Null when there is none just now.
    [[nodiscard]] TemplateProcess* find(PoolId pool) const;
    [[nodiscard]] bool holds(pid_t pid) const;
    [[nodiscard]] bool empty() const noexcept { return living_.empty(); }

    void kill_hung(PoolId pool);
    /// Asks each for a sign of life; those that have not answered the last time.
    [[nodiscard]] std::vector<PoolId> probe();
    /// Whether none has been silent for long.
    [[nodiscard]] bool answer() const;
    void dismiss_all();
    void kill_all();
    /// Frees what died during the turn; not to be called from within callbacks.
    void bury() { graveyard_.clear(); }

private:
    struct Living {
        std::unique_ptr<TemplateProcess> process;
        std::string pool_name;
    };
    [[nodiscard]] Result<std::unique_ptr<TemplateProcess>> execute(PoolId pool,
                                                                   const Result<Command>& command);
    void on_gone(PoolId pool, const ProcessExit& exit);

    loop::EventLoop& loop_;
    FlushList& flush_list_;
    Callbacks callbacks_;
    std::map<PoolId, Living> living_;
    std::set<PoolId> hung_;                      ///< was killed because it did not answer
    std::map<PoolId, unsigned> unready_starts_;  ///< in a row that were never ready
    std::vector<std::unique_ptr<TemplateProcess>> graveyard_;
};

}  // namespace jobmill::daemon
