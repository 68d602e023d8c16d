// SPDX-License-Identifier: MIT
#include "daemon/cgroups.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <sstream>

#include "daemon/kernel_files.hpp"

namespace jobmill::daemon {
namespace {

constexpr auto supervisor = "/supervisor";
constexpr std::string_view worker_prefix = "worker-";

/// Groups that a job has made below its worker's: so many are removed in one go, so deep.
constexpr int most_removed = 64;
constexpr int deepest = 8;

bool exists(const std::string& path)
{
    return ::access(path.c_str(), F_OK) == 0;
}

/// "cpu memory pids" as words.
std::vector<std::string> words_of(const std::string& file)
{
    std::vector<std::string> words;
    if (const auto text = read_kernel_file(file)) {
        std::istringstream stream{*text};
        for (std::string word; stream >> word;) {
            words.push_back(word);
        }
    }
    return words;
}

bool has(const std::vector<std::string>& words, std::string_view word)
{
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::string missing_from(const std::vector<std::string>& offered, CgroupNeeds needs)
{
    std::string missing;
    if (needs.memory && !has(offered, "memory")) {
        missing = "memory";
    }
    if (needs.processes && !has(offered, "pids")) {
        missing += missing.empty() ? "pids" : ", pids";
    }
    return missing;
}

std::vector<std::string> groups_in(const std::string& directory)
{
    std::vector<std::string> groups;
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator{directory, error};
         !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
        std::error_code ignored;
        if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) {
            groups.push_back(entry->path().filename().string());
        }
    }
    return groups;
}

}  // namespace

Cgroups Cgroups::open(CgroupTree tree, CgroupNeeds needs)
{
    if (!tree.make) {
        tree.make = [](const std::string& directory) { return ::mkdir(directory.c_str(), 0755); };
    }
    if (!tree.remove) {
        tree.remove = [](const std::string& directory) { return ::rmdir(directory.c_str()); };
    }
    Cgroups cgroups{std::move(tree)};
    if (const auto settled = cgroups.settle(needs); !settled) {
        cgroups.why_off_ = settled.error().what;
    }
    return cgroups;
}

Cgroups Cgroups::off(std::string why)
{
    Cgroups cgroups{CgroupTree{.place = {}}};
    cgroups.why_off_ = std::move(why);
    return cgroups;
}

Result<bool> Cgroups::serve(PoolSettings::Cgroup mode) const
{
    if (mode == PoolSettings::Cgroup::require && !on()) {
        return fail(Errc::not_allowed, "cgroup = \"require\", but there are none: " + why_off_);
    }
    return on() && mode != PoolSettings::Cgroup::off;
}

Result<void> Cgroups::settle(CgroupNeeds needs)
{
    JOBMILL_TRY(judge(needs));
    const std::string inner = own() + supervisor;
    if (tree_.make(inner) != 0 && errno != EEXIST) {
        return fail_errno("making " + inner, errno);
    }
    if (!words_of(inner + "/cgroup.procs").empty()) {
        return fail(Errc::in_use, "another daemon is in " + inner);
    }
    clean_up();
    const WorkerCgroup own_group{own()};
    JOBMILL_TRY(WorkerCgroup{inner}.put(::getpid()));
    if (auto handed = hand_down(); !handed) {
        (void)own_group.put(::getpid());
        (void)tree_.remove(inner);
        return handed;
    }
    return {};
}

Result<void> Cgroups::judge(CgroupNeeds needs) const
{
    if (!tree_.place) {
        return fail(Errc::not_found, "no cgroup v2 that shows the daemon's group is mounted");
    }
    if (tree_.place->group.empty() && !exists(own() + "/cgroup.type")) {
        return fail(Errc::not_allowed,
                    "the daemon is in the root group " + own() + ", which is the system's");
    }
    JOBMILL_TRY(judge_rights());
    const auto processes = words_of(own() + "/cgroup.procs");
    if (processes.size() != 1 || processes.front() != std::to_string(::getpid())) {
        return fail(Errc::in_use,
                    "other processes are in " + own() +
                        " too: the daemon needs a group of its own, as services have");
    }
    return judge_controllers(needs);
}

Result<void> Cgroups::judge_rights() const
{
    for (const char* file : {"", "/cgroup.procs", "/cgroup.subtree_control"}) {
        const std::string path = own() + file;
        if (::access(path.c_str(), W_OK) == 0) {
            continue;
        }
        if (errno == EROFS) {
            return fail(Errc::not_allowed,
                        own() + " is read-only (ProtectControlGroups= of a unit)");
        }
        if (errno == EACCES || errno == EPERM) {
            return fail(Errc::not_allowed,
                        own() + " is not delegated to the daemon's user (Delegate= of a unit)");
        }
        return fail_errno(path, errno);
    }
    return {};
}

Result<void> Cgroups::judge_controllers(CgroupNeeds needs) const
{
    const std::string missing = missing_from(words_of(own() + "/cgroup.controllers"), needs);
    if (missing.empty()) {
        return {};
    }
    const auto of_system = words_of(tree_.place->mount + "/cgroup.controllers");
    return fail(Errc::not_allowed, own() + " has no controllers " + missing +
                                       (missing_from(of_system, needs).empty()
                                            ? " (Delegate= of a unit)"
                                            : " (does the system still use cgroup v1?)"));
}

/// Has the kernel count and bound in each group below ours.
Result<void> Cgroups::hand_down() const
{
    const auto offered = words_of(own() + "/cgroup.controllers");
    std::string wanted;
    for (const char* controller : {"memory", "pids", "cpu"}) {
        if (has(offered, controller)) {
            wanted.append(wanted.empty() ? "+" : " +").append(controller);
        }
    }
    return wanted.empty() ? Result<void>{}
                          : write_kernel_file(own() + "/cgroup.subtree_control", wanted);
}

void Cgroups::clean_up()
{
    for (const std::string& name : groups_in(own())) {
        if (name.starts_with(worker_prefix)) {
            leave(WorkerCgroup{own() + "/" + name});
        }
    }
}

Result<WorkerCgroup> Cgroups::make(WorkerId worker) const
{
    if (!on()) {
        return fail(Errc::not_allowed, why_off_);
    }
    std::string directory = own() + "/";
    directory.append(worker_prefix)
        .append(std::to_string(number(worker.slot)))
        .append("-")
        .append(std::to_string(worker.generation));
    if (tree_.make(directory) != 0) {
        return fail_errno("making " + directory, errno);
    }
    return WorkerCgroup{std::move(directory)};
}

void Cgroups::leave(WorkerCgroup group)
{
    (void)group.kill();
    int budget = most_removed;
    if (!remove(group.directory(), deepest, budget)) {
        left_.push_back(std::move(group));
    }
}

std::size_t Cgroups::sweep()
{
    for (std::vector<WorkerCgroup> left = std::exchange(left_, {}); WorkerCgroup & group : left) {
        leave(std::move(group));
    }
    return left_.size();
}

/// True when it is there no more. What a job has made below it goes first.
bool Cgroups::remove(const std::string& directory, int depth, int& budget) const
{
    if (--budget < 0) {
        return false;
    }
    if (tree_.remove(directory) == 0 || errno == ENOENT) {
        return true;
    }
    if (depth == 0) {
        return false;
    }
    bool removed_one = false;
    for (const std::string& name : groups_in(directory)) {
        std::string below = directory;
        below.append("/").append(name);
        removed_one = remove(below, depth - 1, budget) || removed_one;
    }
    return removed_one && tree_.remove(directory) == 0;
}

}  // namespace jobmill::daemon
