// SPDX-License-Identifier: MIT
#include "daemon/job_defaults.hpp"

#include "common/assert.hpp"

namespace jobmill::daemon {

DefaultsId JobDefaults::take(PoolId number, const PoolEntry& pool, bool is_command)
{
    const auto place = static_cast<std::size_t>(jobmill::number(number));
    if (place >= pools_.size()) {
        pools_.resize(place + 1);
    }
    Current& in_force = pools_[place];
    if (in_force.era != pool.era) {
        renew(in_force, pool);
    }
    const DefaultsId id = in_force.ids.at(is_command ? 1 : 0);
    ++entries_[index(id)].jobs;
    return id;
}

void JobDefaults::renew(Current& pool, const PoolEntry& entry)
{
    for (const DefaultsId id : pool.ids) {
        if (id != no_defaults) {
            entries_[index(id)].in_force = false;
            drop_unused(id);
        }
    }
    pool = {.era = entry.era, .ids = {keep(entry.settings, false), keep(entry.settings, true)}};
}

DefaultsId JobDefaults::keep(const PoolSettings& pool, bool is_command)
{
    const JobAsk ask = resolve({}, pool, is_command);
    Entry entry{
        .terms = ask.terms, .limits = ask.limits, .waits_behind_delay = ask.waits_behind_delay};
    if (free_.empty()) {
        entries_.push_back(entry);
        return DefaultsId{static_cast<std::uint32_t>(entries_.size() - 1)};
    }
    const DefaultsId id = free_.back();
    free_.pop_back();
    entries_[index(id)] = entry;
    return id;
}

void JobDefaults::release(DefaultsId id)
{
    JOBMILL_ASSERT(entries_[index(id)].jobs > 0);
    --entries_[index(id)].jobs;
    drop_unused(id);
}

void JobDefaults::drop_unused(DefaultsId id)
{
    const Entry& entry = entries_[index(id)];
    if (entry.jobs == 0 && !entry.in_force) {
        free_.push_back(id);
    }
}

JobAsk JobDefaults::ask(DefaultsId id) const
{
    const Entry& entry = entries_[index(id)];
    JobAsk ask;
    ask.terms = entry.terms;
    ask.limits = entry.limits;
    ask.waits_behind_delay = entry.waits_behind_delay;
    return ask;
}

}  // namespace jobmill::daemon
