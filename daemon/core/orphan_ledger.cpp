// SPDX-License-Identifier: MIT
#include "daemon/core/orphan_ledger.hpp"

#include <utility>

namespace jobmill::core {

ForkNumber OrphanLedger::fork_asked()
{
    unresolved_.insert(++last_asked_);
    return ForkNumber{last_asked_};
}

void OrphanLedger::fork_resolved(ForkNumber fork)
{
    unresolved_.erase(static_cast<std::uint64_t>(fork));
}

std::vector<Pid> OrphanLedger::sighted(std::span<const Pid> strangers)
{
    std::unordered_map<Pid, std::uint64_t> sightings;
    std::vector<Pid> orphans;
    for (const Pid pid : strangers) {
        const auto known = first_sightings_.find(pid);
        const std::uint64_t since = known == first_sightings_.end() ? last_asked_ : known->second;
        sightings.emplace(pid, since);
        if (unresolved_.empty() || *unresolved_.begin() > since) {
            orphans.push_back(pid);
        }
    }
    first_sightings_ = std::move(sightings);
    return orphans;
}

}  // namespace jobmill::core
