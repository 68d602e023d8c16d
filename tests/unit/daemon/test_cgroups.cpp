// SPDX-License-Identifier: MIT
// Control groups in a tree of plain files, which a test fills and empties as the kernel would.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>

#include <doctest/doctest.h>

#include "common/unique_fd.hpp"
#include "daemon/cgroups.hpp"
#include "tests/unit/daemon/fake_cgroup_tree.hpp"

using namespace jobmill;
using namespace jobmill::daemon;
using FakeTree = jobmill::tests::FakeCgroupTree;

namespace {

constexpr WorkerId worker{.slot = SlotId{3}, .generation = 7};

/// What a child process makes of it, which may give up what it cannot get back.
std::string told_by_child(const std::function<std::string()>& telling)
{
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd reader{ends[0]};
    UniqueFd writer{ends[1]};
    const pid_t child = ::fork();
    if (child == 0) {
        const std::string text = telling();
        (void)!::write(writer.get(), text.data(), text.size());
        ::_exit(0);
    }
    REQUIRE(child > 0);
    writer.reset();
    std::string text(4096, '\0');
    const ssize_t size = ::read(reader.get(), text.data(), text.size());
    CHECK(::waitpid(child, nullptr, 0) == child);
    REQUIRE(size >= 0);
    text.resize(static_cast<std::size_t>(size));
    return text;
}

}  // namespace

TEST_CASE("the daemon moves into a group below its own and hands the controllers down")
{
    FakeTree fake;
    const Cgroups cgroups = fake.open();
    CHECK(cgroups.on());
    CHECK(cgroups.why_off().empty());
    CHECK(fake.files.read("ours/supervisor/cgroup.procs") == std::to_string(::getpid()));
    CHECK(fake.files.read("ours/cgroup.subtree_control") == "+memory +pids +cpu");
}

TEST_CASE("only controllers that are there are handed down")
{
    FakeTree fake;
    fake.files.write("ours/cgroup.controllers", "memory pids\n");
    CHECK(fake.open().on());
    CHECK(fake.files.read("ours/cgroup.subtree_control") == "+memory +pids");
}

TEST_CASE("why there are no groups is said in one sentence")
{
    FakeTree fake;
    const std::string here = fake.here();
    SUBCASE("no tree")
    {
        CHECK(Cgroups::open({.place = {}}).why_off() ==
              "no cgroup v2 that shows the daemon's group is mounted");
    }
    SUBCASE("the root of all")
    {
        CgroupTree tree = fake.tree();
        tree.place->group = "";
        CHECK(Cgroups::open(tree).why_off() ==
              "the daemon is in the root group " + fake.files.path() + ", which is the system's");
    }
    SUBCASE("somebody else beside us")
    {
        fake.files.write("ours/cgroup.procs", "1\n" + std::to_string(::getpid()) + "\n");
        CHECK(fake.open().why_off() ==
              "other processes are in " + here +
                  " too: the daemon needs a group of its own, as services have");
    }
    SUBCASE("version 1 has the controllers")
    {
        fake.files.write("cgroup.controllers", "hugetlb\n");
        fake.files.write("ours/cgroup.controllers", "");
        CHECK(fake.open().why_off() == here +
                                           " has no controllers memory, pids (does the system "
                                           "still use cgroup v1?)");
    }
    SUBCASE("the controllers were not delegated")
    {
        fake.files.write("ours/cgroup.controllers", "cpu memory\n");
        CHECK(fake.open().why_off() == here + " has no controllers pids (Delegate= of a unit)");
    }
    SUBCASE("another daemon")
    {
        fake.fill("ours/supervisor");
        fake.files.write("ours/supervisor/cgroup.procs", "77\n");
        CHECK(fake.open().why_off() == "another daemon is in " + here + "/supervisor");
    }
    SUBCASE("not a group at all")
    {
        std::filesystem::remove(fake.files / "ours/cgroup.subtree_control");
        CHECK(fake.open().why_off() == here + "/cgroup.subtree_control: No such file or directory");
    }
}

TEST_CASE("a group that others own is not delegated to us")
{
    FakeTree fake;
    std::filesystem::permissions(fake.files.path(), std::filesystem::perms{0755});
    std::filesystem::permissions(fake.files / "ours/cgroup.procs", std::filesystem::perms{0444});
    const CgroupTree tree = fake.tree();
    const std::string why = told_by_child([&] {
        if (::geteuid() == 0 && ::setuid(65534) != 0) {
            return std::string{"no other user"};
        }
        return Cgroups::open(tree).why_off();
    });
    CHECK(why == fake.here() + " is not delegated to the daemon's user (Delegate= of a unit)");
}

TEST_CASE("a group that is mounted read-only says so")
{
    if (::geteuid() != 0) {
        MESSAGE("skipped: only root may mount");
        return;
    }
    FakeTree fake;
    const CgroupTree tree = fake.tree();
    const std::string why = told_by_child([&] {
        constexpr unsigned long bind = MS_BIND | MS_REMOUNT | MS_RDONLY;
        const char* const here = fake.files.path().c_str();
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount(here, here, nullptr, MS_BIND, nullptr) != 0 ||
            ::mount(nullptr, here, nullptr, bind, nullptr) != 0) {
            return std::string{"cannot mount"};
        }
        return Cgroups::open(tree).why_off();
    });
    if (why == "cannot mount") {
        MESSAGE("skipped: this place lets nobody mount");
        return;
    }
    CHECK(why == fake.here() + " is read-only (ProtectControlGroups= of a unit)");
}

TEST_CASE("when controllers cannot be handed down the daemon goes back to where it was")
{
    FakeTree fake;
    std::filesystem::remove(fake.files / "ours/cgroup.subtree_control");
    // Can be looked at, but every write to it fails.
    std::filesystem::create_symlink("/dev/full", fake.files / "ours/cgroup.subtree_control");
    const Cgroups cgroups = fake.open();
    CHECK(cgroups.why_off() ==
          "writing " + fake.here() + "/cgroup.subtree_control: No space left on device");
    CHECK(fake.files.read("ours/cgroup.procs") == std::to_string(::getpid()));
    CHECK_FALSE(fake.has("ours/supervisor"));
    CHECK_FALSE(cgroups.make(worker).has_value());
}

TEST_CASE("a pool can do without groups, or insist on them")
{
    using Mode = PoolSettings::Cgroup;
    FakeTree fake;
    const Cgroups on = fake.open();
    CHECK(on.serve(Mode::automatic).value());
    CHECK_FALSE(on.serve(Mode::off).value());
    CHECK(on.serve(Mode::require).value());
    const Cgroups off = Cgroups::off("nobody wants them");
    CHECK_FALSE(off.serve(Mode::automatic).value());
    CHECK_FALSE(off.serve(Mode::off).value());
    CHECK(off.serve(Mode::require).error().what ==
          "cgroup = \"require\", but there are none: nobody wants them");
}

TEST_CASE("a worker's group takes its process, its bounds and the order to kill")
{
    FakeTree fake;
    const Cgroups cgroups = fake.open();
    auto group = cgroups.make(worker);
    REQUIRE(group.has_value());
    CHECK(group->directory() == fake.here() + "/worker-3-7");
    CHECK(group->put(4711).has_value());
    CHECK(fake.files.read("ours/worker-3-7/cgroup.procs") == "4711");
    CHECK(group->limit({.memory = 1U << 20U, .processes = 5}).has_value());
    CHECK(fake.files.read("ours/worker-3-7/memory.max") == "1048576");
    CHECK(fake.files.read("ours/worker-3-7/memory.oom.group") == "1");
    CHECK(fake.files.read("ours/worker-3-7/memory.swap.max") == "0");
    CHECK(fake.files.read("ours/worker-3-7/pids.max") == "6");
    CHECK(group->limit({}).has_value());
    CHECK(fake.files.read("ours/worker-3-7/memory.max") == "max");
    CHECK(fake.files.read("ours/worker-3-7/memory.oom.group") == "0");
    CHECK(fake.files.read("ours/worker-3-7/memory.swap.max") == "max");
    CHECK(fake.files.read("ours/worker-3-7/pids.max") == "max");
    CHECK(group->kill().has_value());
    CHECK(fake.files.read("ours/worker-3-7/cgroup.kill") == "1");
    CHECK_FALSE(cgroups.make(worker).has_value());
}

TEST_CASE("bounds that are as before are not written again")
{
    FakeTree fake;
    auto group = fake.open().make(worker).value();
    const JobLimits limits{.memory = 4096, .processes = 2};
    CHECK(group.limit(limits).has_value());
    fake.files.write("ours/worker-3-7/memory.max", "untouched");
    fake.files.write("ours/worker-3-7/pids.max", "untouched");
    CHECK(group.limit(limits).has_value());
    CHECK(fake.files.read("ours/worker-3-7/memory.max") == "untouched");
    CHECK(fake.files.read("ours/worker-3-7/pids.max") == "untouched");
}

TEST_CASE("a bound that cannot be set is an error, and tried again the next time")
{
    FakeTree fake;
    auto group = fake.open().make(worker).value();
    std::filesystem::remove(fake.files / "ours/worker-3-7/memory.max");
    std::filesystem::remove(fake.files / "ours/worker-3-7/memory.swap.max");
    CHECK_FALSE(group.limit({.memory = 4096}).has_value());
    fake.files.write("ours/worker-3-7/memory.max", "");
    CHECK(group.limit({.memory = 4096}).has_value());
    CHECK(fake.files.read("ours/worker-3-7/memory.max") == "4096");
}

TEST_CASE("a bound of memory leaves a worker room to begin")
{
    FakeTree fake;
    auto group = fake.open().make(worker).value();
    fake.files.write("ours/worker-3-7/memory.stat", "anon 1048576\nfile 99999999\n");
    CHECK(group.limit({.memory = 1}).has_value());
    CHECK(fake.files.read("ours/worker-3-7/memory.max") == "5242880");
    CHECK(group.limit({.memory = 6U << 20U}).has_value());
    CHECK(fake.files.read("ours/worker-3-7/memory.max") == "6291456");
}

TEST_CASE("what a group tells is read, and what the kernel does not tell is absent")
{
    FakeTree fake;
    const auto group = fake.open().make(worker).value();
    const CgroupReading silent = group.read();
    CHECK_FALSE(silent.memory_peak.has_value());
    CHECK_FALSE(silent.cpu_ns.has_value());
    CHECK(silent.oom_kills == 0);
    fake.files.write("ours/worker-3-7/memory.peak", "2000\n");
    fake.files.write("ours/worker-3-7/cpu.stat", "usage_usec 15\nuser_usec 10\n");
    fake.files.write("ours/worker-3-7/memory.events", "low 0\nmax 3\noom 2\noom_kill 4\n");
    const CgroupReading reading = group.read();
    CHECK(reading.memory_peak == 2000U);
    CHECK(reading.cpu_ns == 15'000U);
    CHECK(reading.oom_kills == 4);
    CHECK(group.oom_kills() == 4);
}

TEST_CASE("the group of a worker that is gone is killed and removed, and later if it is not empty")
{
    FakeTree fake;
    Cgroups cgroups = fake.open();
    cgroups.leave(cgroups.make(worker).value());
    CHECK_FALSE(fake.has("ours/worker-3-7"));
    CHECK(cgroups.sweep() == 0);

    auto group = cgroups.make(worker).value();
    fake.busy = "worker-3-7";
    cgroups.leave(std::move(group));
    CHECK(fake.files.read("ours/worker-3-7/cgroup.kill") == "1");
    CHECK(cgroups.sweep() == 1);
    fake.busy.reset();
    CHECK(cgroups.sweep() == 0);
    CHECK_FALSE(fake.has("ours/worker-3-7"));
}

TEST_CASE("a group that somebody else has removed is gone")
{
    FakeTree fake;
    CgroupTree tree = fake.tree();
    tree.remove = {};
    Cgroups cgroups = Cgroups::open(tree);
    auto group = cgroups.make(worker).value();
    std::filesystem::remove_all(group.directory());
    cgroups.leave(std::move(group));
    CHECK(cgroups.sweep() == 0);
}

TEST_CASE("what a job has made below its group goes with it, however much it is")
{
    FakeTree fake;
    Cgroups cgroups = fake.open();
    auto group = cgroups.make(worker).value();
    for (int i = 0; i < 150; ++i) {
        fake.fill("ours/worker-3-7/a" + std::to_string(i));
    }
    fake.fill("ours/worker-3-7/a0/b/c");
    cgroups.leave(std::move(group));
    int sweeps = 0;
    while (cgroups.sweep() > 0) {
        REQUIRE(++sweeps < 20);
    }
    CHECK(sweeps > 0);
    CHECK_FALSE(fake.has("ours/worker-3-7"));
}

TEST_CASE("groups of a former daemon's workers are removed at the start, and nothing else")
{
    FakeTree fake;
    fake.fill("ours/supervisor");
    fake.fill("ours/worker-1-1");
    fake.fill("ours/worker-2-5");
    fake.fill("ours/other");
    fake.busy = "worker-2-5";
    Cgroups cgroups = fake.open();
    CHECK(cgroups.on());
    CHECK_FALSE(fake.has("ours/worker-1-1"));
    CHECK(fake.files.read("ours/worker-2-5/cgroup.kill") == "1");
    fake.busy.reset();
    CHECK(cgroups.sweep() == 0);
    CHECK_FALSE(fake.has("ours/worker-2-5"));
    CHECK(fake.has("ours/other"));
    CHECK(fake.files.read("ours/other/cgroup.kill") == "");
}
