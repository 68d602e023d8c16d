// SPDX-License-Identifier: MIT
#include "daemon/labels.hpp"

#include "daemon/job_ask.hpp"

namespace jobmill::daemon {

core::LabelId Labels::find(std::string_view name) const
{
    const auto found = labels_.find(name);
    return found == labels_.end() ? core::LabelId{} : found->second.id;
}

Labels::Entry Labels::set(const LabelSettings& settings)
{
    const auto found = labels_.find(settings.name);
    if (found != labels_.end()) {
        found->second.settings = settings;
        found->second.is_new = false;
        return found->second;
    }
    const core::LabelId id{static_cast<std::uint32_t>(labels_.size() + 1)};
    Entry made{.id = id, .settings = settings, .is_new = true};
    labels_.emplace(settings.name, made);
    return made;
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
