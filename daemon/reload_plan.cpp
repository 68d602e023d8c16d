// SPDX-License-Identifier: MIT
#include "daemon/reload_plan.hpp"

#include <algorithm>

#include "daemon/pool_plan.hpp"

namespace jobmill::daemon {
namespace {

using What = PoolChange::What;

const PoolSettings* find(const std::vector<PoolSettings>& pools, const std::string& name)
{
    const auto found = std::find_if(pools.begin(), pools.end(),
                                    [&](const PoolSettings& each) { return each.name == name; });
    return found == pools.end() ? nullptr : &*found;
}

bool same_but_for_size(PoolSettings one, const PoolSettings& other)
{
    one.workers = other.workers;
    return one == other;
}

std::string workers_text(std::uint32_t workers)
{
    return std::to_string(workers) + (workers == 1 ? " worker" : " workers");
}

/// Compares the pools and notes what is different.
class Planner {
public:
    Planner(const Config& now, const Config& wanted, std::uint32_t cores)
        : now_(now), wanted_(wanted), cores_(cores)
    {
    }

    ReloadPlan plan(const std::function<bool(const std::string&)>& has_aged)
    {
        for (const PoolSettings& pool : wanted_.pools) {
            plan_.pools.push_back({.what = judge(pool, has_aged), .settings = pool});
        }
        for (const PoolSettings& pool : now_.pools) {
            if (find(wanted_.pools, pool.name) == nullptr) {
                plan_.removed.push_back(pool.name);
                note("pool " + pool.name + ": takes no more jobs, leaves after its last");
            }
        }
        compare_settings();
        return std::move(plan_);
    }

private:
    What judge(const PoolSettings& pool, const std::function<bool(const std::string&)>& has_aged)
    {
        const PoolSettings* old = find(now_.pools, pool.name);
        const std::uint32_t workers = workers_of(pool, cores_);
        if (old == nullptr) {
            note("pool " + pool.name + ": new, " + workers_text(workers));
            return What::add;
        }
        if (!same_but_for_size(*old, pool)) {
            note("pool " + pool.name + ": loaded anew, its settings are others");
            return What::replace;
        }
        if (has_aged(pool.name)) {
            note("pool " + pool.name + ": loaded anew");
            return What::replace;
        }
        const std::uint32_t before = workers_of(*old, cores_);
        if (workers != before) {
            note("pool " + pool.name + ": " + workers_text(workers) + ", was " +
                 std::to_string(before));
            return What::resize;
        }
        return What::keep;
    }

    template <typename T>
    void compare(const char* key, T Config::*member, const char* when = "changed")
    {
        if (now_.*member != wanted_.*member) {
            note(std::string{key} + ": " + when);
        }
    }

    void compare_settings()
    {
        compare("log_level", &Config::log_level);
        compare("max_payload", &Config::max_payload);
        compare("max_jobs", &Config::max_jobs);
        compare("max_bytes", &Config::max_bytes);
        compare("max_sessions", &Config::max_sessions);
        constexpr auto new_sessions = "changed, for new sessions";
        compare("credit_jobs", &Config::credit_jobs, new_sessions);
        compare("credit_bytes", &Config::credit_bytes, new_sessions);
        compare("frame_timeout", &Config::frame_timeout, new_sessions);
        compare("drain_timeout", &Config::drain_timeout);
        compare("idle_timeout", &Config::idle_timeout);
        compare("unread_age", &Config::unread_age);
        compare("unread_bytes", &Config::unread_bytes);
        constexpr auto restart = "needs a restart";
        compare("socket", &Config::socket, restart);
        compare("socket_group", &Config::socket_group, restart);
        compare("state_dir", &Config::state_dir, restart);
        compare("log_format", &Config::log_format, restart);
    }

    void note(std::string change) { plan_.changes.push_back(std::move(change)); }

    const Config& now_;
    const Config& wanted_;
    std::uint32_t cores_;
    ReloadPlan plan_;
};

}  // namespace

ReloadPlan plan_reload(const Config& now, const Config& wanted, std::uint32_t cores,
                       const std::function<bool(const std::string& pool)>& has_aged)
{
    return Planner{now, wanted, cores}.plan(has_aged);
}

}  // namespace jobmill::daemon
