// SPDX-License-Identifier: MIT
// The kernel's own control groups, where this machine has some and we may.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include <doctest/doctest.h>

#include "common/unique_fd.hpp"
#include "daemon/cgroups.hpp"
#include "daemon/kernel_files.hpp"

using namespace jobmill;
using namespace jobmill::daemon;

namespace {

/// A group below the one that we are in, and we in it for as long as this lives.
class RealGroup {
public:
    RealGroup()
    {
        home_ = own_cgroup_place();
        if (!home_) {
            why_ = "no cgroup v2 is mounted";
            return;
        }
        place_ = *home_;
        place_.group += "/jobmill-test-" + std::to_string(::getpid());
        if (::mkdir(place_.directory().c_str(), 0755) != 0) {
            why_ = fail_errno("making " + place_.directory(), errno).value().what;
            return;
        }
        made_ = true;
        if (const auto put = WorkerCgroup{place_.directory()}.put(::getpid()); !put) {
            why_ = put.error().what;
        }
    }
    ~RealGroup()
    {
        if (made_) {
            (void)WorkerCgroup{home_->directory()}.put(::getpid());
            (void)::rmdir((place_.directory() + "/supervisor").c_str());
            CHECK(::rmdir(place_.directory().c_str()) == 0);
        }
    }
    RealGroup(const RealGroup&) = delete;
    RealGroup& operator=(const RealGroup&) = delete;

    /// Whether the test has to be left out; says so.
    [[nodiscard]] bool unusable() const
    {
        if (!why_.empty()) {
            MESSAGE("skipped: ", why_);
        }
        return !why_.empty();
    }
    [[nodiscard]] const CgroupPlace& place() const { return place_; }
    [[nodiscard]] bool offers(const char* controller) const
    {
        const auto offered = read_kernel_file(place_.directory() + "/cgroup.controllers");
        return offered && (" " + *offered).find(controller) != std::string::npos;
    }

private:
    std::optional<CgroupPlace> home_;
    CgroupPlace place_;
    bool made_ = false;
    std::string why_;
};

bool nobody_holds(int pipe)
{
    pollfd end{.fd = pipe, .events = 0, .revents = 0};
    return ::poll(&end, 1, 5000) == 1 && (end.revents & POLLHUP) != 0;
}

}  // namespace

TEST_CASE("a real group takes a process, and one order kills whatever it has forked")
{
    const RealGroup group;
    if (group.unusable()) {
        return;
    }
    Cgroups cgroups =
        Cgroups::open({.place = group.place()}, {.memory = false, .processes = false});
    REQUIRE_MESSAGE(cgroups.on(), cgroups.why_off());
    CHECK(own_cgroup_place()->group == group.place().group + "/supervisor");
    const WorkerId worker{.slot = SlotId{1}, .generation = 1};
    auto leaf = cgroups.make(worker);
    REQUIRE(leaf.has_value());
    int ends[2];
    int go[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(go, O_CLOEXEC) == 0);
    const UniqueFd alive{ends[0]};
    UniqueFd held{ends[1]};
    UniqueFd begin{go[1]};
    const UniqueFd awaited{go[0]};
    const pid_t child = ::fork();
    if (child == 0) {
        char byte = 0;
        (void)!::read(awaited.get(), &byte, 1);
        // Out of the process group and the session, and nobody's child in the end.
        for (int i = 0; i < 3; ++i) {
            if (::fork() == 0) {
                (void)::setsid();
                (void)::fork();
                ::pause();
            }
        }
        ::pause();
        ::_exit(0);
    }
    REQUIRE(child > 0);
    CHECK(leaf->put(child).has_value());
    held.reset();
    CHECK(::write(begin.get(), "x", 1) == 1);
    cgroups.leave(std::move(*leaf));
    CHECK(nobody_holds(alive.get()));
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(WTERMSIG(status) == SIGKILL);
    for (int tries = 0; cgroups.sweep() > 0; ++tries) {
        REQUIRE(tries < 5000);
        (void)::poll(nullptr, 0, 1);
    }
    CHECK(::access((group.place().directory() + "/worker-1-1").c_str(), F_OK) != 0);
}

TEST_CASE("a real group that is not ours alone is refused")
{
    const RealGroup group;
    if (group.unusable()) {
        return;
    }
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    REQUIRE(child > 0);
    CHECK(Cgroups::open({.place = group.place()}, {.memory = false, .processes = false})
              .why_off()
              .starts_with("other processes are in " + group.place().directory()));
    CHECK(::kill(child, SIGKILL) == 0);
    CHECK(::waitpid(child, nullptr, 0) == child);
}

TEST_CASE("a real group without controllers is of no use, and says so")
{
    const RealGroup group;
    if (group.unusable()) {
        return;
    }
    if (group.offers("memory") && group.offers("pids")) {
        MESSAGE("skipped: this machine has all controllers");
        return;
    }
    const Cgroups cgroups = Cgroups::open({.place = group.place()});
    CHECK_FALSE(cgroups.on());
    CHECK(cgroups.why_off().find("has no controllers") != std::string::npos);
    CHECK(own_cgroup_place()->group == group.place().group);
}

TEST_CASE("the kernel kills a real group whole when it wants more memory than it may have")
{
    const RealGroup group;
    if (group.unusable()) {
        return;
    }
    if (!group.offers("memory")) {
        MESSAGE("skipped: cgroup v2 has no memory controller here");
        return;
    }
    Cgroups cgroups = Cgroups::open({.place = group.place()}, {.memory = true, .processes = false});
    REQUIRE_MESSAGE(cgroups.on(), cgroups.why_off());
    auto leaf = cgroups.make({.slot = SlotId{1}, .generation = 1}).value();
    CHECK(leaf.limit({.memory = std::uint64_t{16} << 20U}).has_value());
    const pid_t child = ::fork();
    if (child == 0) {
        (void)leaf.put(::getpid());
        std::string much(std::size_t{64} << 20U, 'x');
        ::_exit(much[12345] == 'x' ? 0 : 1);
    }
    REQUIRE(child > 0);
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(leaf.read().oom_kills > 0);
    cgroups.leave(std::move(leaf));
    CHECK(cgroups.sweep() == 0);
}
