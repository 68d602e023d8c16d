// SPDX-License-Identifier: MIT
#include "daemon/labels.hpp"

#include <algorithm>

#include "daemon/job_ask.hpp"

namespace jobmill::daemon {

core::LabelId Labels::find(std::string_view name) const
{
    const auto found = labels_.find(name);
    return found == labels_.end() ? core::LabelId{} : found->second.id;
}

bool Labels::are_rules(const LabelSettings& settings)
{
    return settings != LabelSettings{.name = settings.name};
}

Labels::Entry Labels::set(const LabelSettings& settings, const std::vector<bool>& used)
{
    const auto found = labels_.find(settings.name);
    Entry entry{.id = {}, .settings = settings};
    if (!are_rules(settings)) {
        if (found != labels_.end()) {
            entry.id = found->second.id;
            former_.push_back(entry.id);
            labels_.erase(found);
        }
        return entry;
    }
    if (found != labels_.end()) {
        found->second.settings = settings;
        return found->second;
    }
    entry.id = take_number(used);
    labels_.emplace(settings.name, entry);
    entry.is_new = true;
    return entry;
}

core::LabelId Labels::take_number(const std::vector<bool>& used)
{
    const auto free = std::find_if(former_.begin(), former_.end(), [&](core::LabelId id) {
        return number(id) >= used.size() || !used[number(id)];
    });
    if (free == former_.end()) {
        return core::LabelId{++last_};
    }
    const core::LabelId id = *free;
    former_.erase(free);
    return id;
}

const LabelSettings* Labels::settings(std::string_view name) const
{
    const auto found = labels_.find(name);
    return found == labels_.end() ? nullptr : &found->second.settings;
}

std::vector<Labels::Entry> Labels::all() const
{
    std::vector<Entry> list;
    list.reserve(labels_.size());
    for (const auto& [name, entry] : labels_) {
        list.push_back(entry);
    }
    return list;
}

core::LabelAdjusted Labels::event_of(const Entry& entry)
{
    return {.label = entry.id,
            .max_running = core_bound(entry.settings.max_running),
            .weight = entry.settings.weight};
}

}  // namespace jobmill::daemon
