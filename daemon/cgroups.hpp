// SPDX-License-Identifier: MIT
// Control groups (cgroup v2) of the workers, where the system lets us have some.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/cgroup_place.hpp"
#include "daemon/pool_settings.hpp"
#include "daemon/worker_cgroup.hpp"
#include "jobmill/ids.hpp"

namespace jobmill::daemon {

/// Where the daemon is, and how directories come and go there: as a rule the kernel fills and
/// empties them.
struct CgroupTree {
    std::optional<CgroupPlace> place = own_cgroup_place();
    // As mkdir(2) with mode 0755, and as rmdir(2).
    std::function<int(const std::string&)> make{};
    std::function<int(const std::string&)> remove{};
};

/// The controllers without which there are no groups.
struct CgroupNeeds {
    bool memory = true;
    bool processes = true;
};

/// The groups below the daemon's own: itself and the templates in `supervisor`, since no group may
/// hold both processes and groups with limits, and each worker in `worker-SLOT-GENERATION`. It is
/// either on or off, once and for all, and says why it is off.
class Cgroups {
public:
    /// Looks whether the daemon's group is its own, moves into `supervisor`, and removes what a
    /// former daemon has left. To be called before there is any other process or thread of ours.
    [[nodiscard]] static Cgroups open(CgroupTree tree = {}, CgroupNeeds needs = {});
    [[nodiscard]] static Cgroups off(std::string why);

    [[nodiscard]] bool on() const noexcept { return why_off_.empty(); }
    [[nodiscard]] const std::string& why_off() const noexcept { return why_off_; }
    /// Whether workers of a pool that says so get a group; an error when it must have them and
    /// cannot.
    [[nodiscard]] Result<bool> serve(PoolSettings::Cgroup mode) const;

    [[nodiscard]] Result<WorkerCgroup> make(WorkerId worker) const;

    /// The worker is gone: kills what is left in its group and removes it, by sweep() if it cannot
    /// be at once. Never waits.
    void leave(WorkerCgroup group);
    /// Tries again with groups that were not empty yet; how many are still there.
    std::size_t sweep();

private:
    explicit Cgroups(CgroupTree tree) : tree_(std::move(tree)) {}
    [[nodiscard]] Result<void> settle(CgroupNeeds needs);
    [[nodiscard]] Result<void> judge(CgroupNeeds needs) const;
    [[nodiscard]] Result<void> judge_rights() const;
    [[nodiscard]] Result<void> judge_controllers(CgroupNeeds needs) const;
    [[nodiscard]] Result<void> hand_down() const;
    void clean_up();
    [[nodiscard]] bool remove(const std::string& directory, int depth, int& budget) const;
    [[nodiscard]] std::string own() const { return tree_.place->directory(); }

    CgroupTree tree_;
    std::string why_off_;
    std::vector<WorkerCgroup> left_;  ///< not empty when they were to be removed
};

}  // namespace jobmill::daemon
