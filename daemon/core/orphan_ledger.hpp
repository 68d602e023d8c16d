// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

namespace jobmill::core {

/// Numbers the requests to fork, in the order of their asking.
enum class ForkNumber : std::uint64_t {};

/// A process id, as the edge found it.
enum class Pid : std::int32_t {};

/// Tells descendants of dead workers, which the daemon has adopted and must kill, from workers that
/// it has adopted before their template told it so. A stranger among the daemon's children can be
/// such a worker only while one of the forks asked before it was first sighted is unresolved.
class OrphanLedger {
public:
    /// A template was asked to fork.
    ForkNumber fork_asked();
    /// It is known which process came of it, or that none did, or that its template is gone.
    void fork_resolved(ForkNumber fork);
    /// The daemon's children at this moment that are in no slot and no template. Returns those to
    /// be killed now, in the order given; a pid that is missing is forgotten.
    [[nodiscard]] std::vector<Pid> sighted(std::span<const Pid> strangers);
    /// That child was reaped: its number may come back as another process.
    void reaped(Pid pid) { first_sightings_.erase(pid); }

private:
    std::uint64_t last_asked_ = 0;
    std::set<std::uint64_t> unresolved_;
    /// By pid: the last fork that had been asked when it was first sighted.
    std::unordered_map<Pid, std::uint64_t> first_sightings_;
};

}  // namespace jobmill::core
