// SPDX-License-Identifier: MIT
#include "daemon/reloader.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "common/segment_layout.hpp"
#include "daemon/client_session.hpp"
#include "daemon/log.hpp"
#include "daemon/pool_plan.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {

using What = PoolChange::What;

Reloader::Reloader(Config config, Outside outside)
    : config_(std::move(config)), outside_(std::move(outside))
{
}

Reloader::Stamps Reloader::stamps_of(const PoolSettings& pool)
{
    Stamps stamps;
    for (const std::string& module : pool.modules) {
        struct stat status {};
        Stamp stamp;
        if (::stat(module.c_str(), &status) == 0) {
            stamp = {.device = status.st_dev,
                     .inode = status.st_ino,
                     .size = static_cast<std::uint64_t>(status.st_size),
                     .seconds = status.st_mtim.tv_sec,
                     .nanoseconds = status.st_mtim.tv_nsec};
        }
        stamps.push_back(stamp);
    }
    return stamps;
}

bool Reloader::has_aged(const std::string& name) const
{
    const auto pool = outside_.pools.find(name);
    if (!pool) {
        return false;
    }
    for (const PoolSettings& settings : config_.pools) {
        if (settings.name == name && stamps_.at(*pool) != stamps_of(settings)) {
            return true;
        }
    }
    return outside_.pools.entry(*pool).state == PoolEntry::State::down;
}

void Reloader::start_pools()
{
    for (const PoolSettings& settings : config_.pools) {
        start_pool(*outside_.pools.find(settings.name), settings);
    }
}

void Reloader::start_pool(PoolId pool, const PoolSettings& settings)
{
    // Before they are loaded: a change in between is then seen as one.
    stamps_[pool] = stamps_of(settings);
    outside_.pools.configure(pool, settings);
    PoolPlan plan =
        plan_pool(settings, outside_.cores, outside_.system, own_environment(), outside_.python);
    plan.socket = outside_.socket;
    outside_.processes.add_pool(pool, std::move(plan));
    // What a control group bounds and counts is the worker's: there each job is alone.
    const std::uint32_t depth = outside_.processes.has_groups(pool) ? 1 : claim_slot_count;
    outside_.post(core::PoolAdded{.pool = pool,
                                  .workers = workers_of(settings, outside_.cores),
                                  .depth = depth,
                                  .terms = pool_terms(settings)});
}

void Reloader::request(std::optional<Asker> asker)
{
    if (closed_) {
        tell(asker, refusal(error_code::closing, "the daemon stops"));
        return;
    }
    if (change_) {
        tell(asker, busy_refusal("another reload is under way", retry_later_ms));
        again_ = again_ || !asker;
        return;
    }
    auto wanted = outside_.read_again();
    if (!wanted) {
        refuse(asker, wanted.error().what);
        return;
    }
    begin(std::move(*wanted), asker);
}

/// The configuration with what was adjusted by hand since, which ends with it.
Config Reloader::in_force() const
{
    Config now = config_;
    for (PoolSettings& settings : now.pools) {
        const PoolSettings& adjusted =
            outside_.pools.entry(*outside_.pools.find(settings.name)).settings;
        settings.max_running = adjusted.max_running;
        settings.weight = adjusted.weight;
    }
    now.labels.clear();
    for (const Labels::Entry& label : outside_.desk.labels().all()) {
        now.labels.push_back(label.settings);
    }
    now.max_running = outside_.max_running();
    now.log_level = log::name_of(log::level());
    return now;
}

void Reloader::begin(Reading wanted, std::optional<Asker> asker)
{
    ReloadPlan plan = plan_reload(in_force(), wanted.config, outside_.cores,
                                  [this](const std::string& name) { return has_aged(name); });
    change_ =
        Change{.asker = asker, .wanted = std::move(wanted), .plan = std::move(plan), .made = {}};
    outside_.begun();
    std::vector<std::pair<PoolId, const PoolSettings*>> made;
    for (const PoolChange& change : change_->plan.pools) {
        if (change.what == What::add || change.what == What::replace) {
            const PoolId pool = outside_.pools.add(change.settings.name);
            change_->made.emplace(change.settings.name, pool);
            awaited_.insert(pool);
            made.emplace_back(pool, &change.settings);
        }
    }
    // All are awaited before the first is started: one may fail at once, and with it the change.
    for (const auto& [pool, settings] : made) {
        if (!change_) {
            return;
        }
        start_pool(pool, *settings);
    }
    if (change_ && awaited_.empty()) {
        commit();
    }
}

void Reloader::loaded(PoolId pool)
{
    awaited_.erase(pool);
    if (awaited_.empty()) {
        commit();
    }
}

void Reloader::failed(PoolId pool, const std::string& why)
{
    const Change change = std::exchange(change_, std::nullopt).value();
    awaited_.clear();
    const std::string text = "pool " + outside_.pools.entry(pool).name + ": " + why;
    for (const auto& [name, made] : change.made) {
        retire(made);
    }
    refuse(change.asker, text);
}

void Reloader::retire(PoolId pool)
{
    outside_.pools.retire(pool);
    if (stamps_.contains(pool)) {
        outside_.post(core::PoolRetired{pool});
    } else {
        outside_.pools.remove(pool);  // never started
    }
}

/// What waits in the one, and what comes back to it, is the other's.
void Reloader::follow(PoolId pool, PoolId successor)
{
    // What waits with a worker goes, too.
    outside_.post(core::PoolSuspended{.pool = pool, .suspended = true});
    outside_.desk.move_jobs(pool, successor);
    outside_.post(core::PoolSuspended{.pool = pool, .suspended = false});
}

void Reloader::commit()
{
    const Change change = std::exchange(change_, std::nullopt).value();
    std::vector<PoolId> published;
    std::vector<PoolId> old = outside_.pools.published();
    for (const PoolChange& each : change.plan.pools) {
        const auto made = change.made.find(each.settings.name);
        published.push_back(made != change.made.end() ? made->second
                                                      : *outside_.pools.find(each.settings.name));
    }
    outside_.pools.publish(published);
    config_ = change.wanted.config;
    outside_.file = change.wanted.file;
    outside_.adopt(config_);
    for (std::size_t i = 0; i < published.size(); ++i) {
        // What was adjusted by hand goes back to what the file says.
        if (change.plan.pools[i].what == What::adjust ||
            outside_.pools.entry(published[i]).settings != change.plan.pools[i].settings) {
            const PoolSettings& settings = change.plan.pools[i].settings;
            outside_.pools.configure(published[i], settings);
            outside_.post(core::PoolAdjusted{.pool = published[i], .terms = pool_terms(settings)});
            outside_.post(core::PoolResized{.pool = published[i],
                                            .workers = workers_of(settings, outside_.cores)});
        }
    }
    // Those that retire already have older jobs.
    std::vector<PoolId> replaced = outside_.pools.all();
    std::erase_if(replaced, [&](PoolId pool) {
        return outside_.pools.entry(pool).state != PoolEntry::State::retiring;
    });
    replaced.insert(replaced.end(), old.begin(), old.end());
    for (const PoolId pool : replaced) {
        const auto successor = change.made.find(outside_.pools.entry(pool).name);
        if (successor != change.made.end()) {
            follow(pool, successor->second);
        }
    }
    for (const PoolId pool : old) {
        if (std::find(published.begin(), published.end(), pool) == published.end()) {
            retire(pool);
        }
    }
    answer(change.asker, change.plan.changes);
}

void Reloader::on_gone(PoolId pool)
{
    outside_.processes.remove_pool(pool);
    outside_.pools.remove(pool);
    stamps_.erase(pool);
}

void Reloader::close()
{
    closed_ = true;
    awaited_.clear();
    if (change_) {
        tell(std::exchange(change_, std::nullopt)->asker,
             refusal(error_code::closing, "the daemon stops"));
    }
}

void Reloader::tell(const std::optional<Asker>& asker, const ErrorReply& error) const
{
    if (ClientSession* session = asker ? outside_.session(asker->session) : nullptr) {
        session->send(ErrorMessage{.tag = asker->tag, .error = error});
    }
}

void Reloader::answer(const std::optional<Asker>& asker, const std::vector<std::string>& changes)
{
    log::info("reloaded", {{"config", outside_.file}, {"count", changes.size()}}, log::always);
    Array texts;
    for (const std::string& change : changes) {
        log::info("configuration changed", {{"change", change}}, log::always);
        texts.emplace_back(change);
    }
    const Value body{Map{{"file", Value{outside_.file}}, {"changes", Value{std::move(texts)}}}};
    if (ClientSession* session = asker ? outside_.session(asker->session) : nullptr) {
        session->send(ReloadReply{.tag = asker->tag, .body = body});
    }
    finish();
}

void Reloader::refuse(const std::optional<Asker>& asker, const std::string& why)
{
    log::error("configuration refused", {{"config", outside_.file}, {"cause", why}}, log::always);
    tell(asker, refusal(error_code::bad_config, why));
    finish();
}

void Reloader::finish()
{
    outside_.over();
    if (std::exchange(again_, false)) {
        request({});
    }
}

}  // namespace jobmill::daemon
