// SPDX-License-Identifier: MIT
#include "daemon/reload_plan.hpp"

#include <algorithm>

#include "daemon/pool_plan.hpp"
#include "daemon/settings_text.hpp"

namespace jobmill::daemon {
namespace {

using What = PoolChange::What;

const PoolSettings* find(const std::vector<PoolSettings>& pools, const std::string& name)
{
    const auto found = std::find_if(pools.begin(), pools.end(),
                                    [&](const PoolSettings& each) { return each.name == name; });
    return found == pools.end() ? nullptr : &*found;
}

const LabelSettings* find(const std::vector<LabelSettings>& labels, const std::string& name)
{
    const auto found = std::find_if(labels.begin(), labels.end(),
                                    [&](const LabelSettings& each) { return each.name == name; });
    return found == labels.end() ? nullptr : &*found;
}

std::string workers_text(std::uint32_t workers)
{
    return std::to_string(workers) + (workers == 1 ? " worker" : " workers");
}

std::string joined(const std::vector<std::string_view>& words)
{
    std::string text;
    for (const std::string_view word : words) {
        text.append(text.empty() ? "" : ", ").append(word);
    }
    return text;
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
        compare_labels();
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
        const auto fixed = fixed_differences(*old, pool);
        const bool aged = fixed.empty() && has_aged(pool.name);
        if (!fixed.empty()) {
            note("pool " + pool.name + ": loaded anew, changed: " + joined(fixed));
        } else if (aged) {
            note("pool " + pool.name + ": loaded anew");
        }
        const bool adjusted = note_all(
            "pool " + pool.name + ": ",
            differences(adjustable_settings(*old, cores_), adjustable_settings(pool, cores_)));
        if (aged || !fixed.empty()) {
            return What::replace;
        }
        return adjusted ? What::adjust : What::keep;
    }

    /// A label that is not in the file is one without bounds.
    void compare_labels()
    {
        const LabelSettings plain;
        for (const LabelSettings& label : wanted_.labels) {
            const LabelSettings* old = find(now_.labels, label.name);
            note_all("label " + label.name + ": ",
                     differences(settings_of(old == nullptr ? plain : *old), settings_of(label)));
        }
        for (const LabelSettings& label : now_.labels) {
            if (find(wanted_.labels, label.name) == nullptr) {
                note_all("label " + label.name + ": ",
                         differences(settings_of(label), settings_of(plain)));
            }
        }
    }

    void compare_settings()
    {
        note_all("", differences(settings_of(now_), settings_of(wanted_)));
        needs_restart("socket", &Config::socket);
        needs_restart("socket_group", &Config::socket_group);
        needs_restart("state_dir", &Config::state_dir);
        needs_restart("log_format", &Config::log_format);
    }

    void needs_restart(const char* key, std::optional<std::string> Config::*member)
    {
        if (now_.*member != wanted_.*member) {
            note(std::string{key} + ": needs a restart");
        }
    }

    /// Whether there were any.
    bool note_all(const std::string& before, const std::vector<std::string>& changes)
    {
        for (const std::string& change : changes) {
            note(before + change);
        }
        return !changes.empty();
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
