// SPDX-License-Identifier: MIT
// The daemon's processes, the real program, in a tree of control groups that is pretended.
#include <fcntl.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "common/outbox.hpp"
#include "common/segment.hpp"
#include "daemon/pool_directory.hpp"
#include "daemon/processes.hpp"
#include "tests/loop/loop_fixture.hpp"
#include "tests/unit/daemon/fake_cgroup_tree.hpp"

using namespace jobmill;
using namespace jobmill::tests;
using daemon::Cgroups;
using daemon::PoolPlan;
using daemon::PoolSettings;
using daemon::Processes;

namespace {

constexpr PoolId pool{0};
constexpr WorkerId worker{.slot = SlotId{1}, .generation = 2};
/// Programs are started.
constexpr auto patience = 20s;
constexpr auto group_of_worker = "ours/worker-1-2";
constexpr PoolId spawned{1};
/// Its child has the link open, so its death is noticed before any end of that.
constexpr auto holds_its_link = "tail -f /dev/null & printf forked >&2; exec tail -f /dev/null";

/// What a worker does before it sends its hello.
void commit_hello(pid_t pid)
{
    const std::string memory = "/proc/" + std::to_string(pid) + "/fd/4";
    auto segment = Segment::map(UniqueFd{::open(memory.c_str(), O_RDWR | O_CLOEXEC)});
    REQUIRE(segment.has_value());
    Bytes hello;
    encode(Ready{.worker = worker, .pid = pid}, hello);
    REQUIRE(OutboxWriter{segment->layout()}.commit(hello));
}

/// A pool's template and its worker; what the core would hear is noted.
struct Pool : LoopFixture {
    explicit Pool(Cgroups cgroups, PoolSettings::Cgroup mode = PoolSettings::Cgroup::automatic)
        : processes(loop, flush_list, UniqueFd{::open(JOBMILL_WORKER_PROGRAM, O_PATH | O_CLOEXEC)},
                    std::move(cgroups),
                    {.post = [this](const core::Event& event) { heard.push_back(event); },
                     .on_loaded =
                         [this](PoolId, const Value& body) {
                             handlers = daemon::read_handlers(body).value();
                             loaded = true;
                         },
                     .on_template_failed = [this](PoolId, const std::string& why) { failed = why; },
                     .on_report = [this](WorkerId, WorkerReport&, UniqueFd, bool) { ++reports; }})
    {
        REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
        processes.add_pool(pool, PoolPlan{.name = "p",
                                          .what_to_load = {},
                                          .environment = {"PATH=/bin"},
                                          .socket = {},
                                          .cgroup = mode});
        processes.carry_out(core::StartTemplate{pool});
    }
    ~Pool()
    {
        processes.carry_out(core::KillWorker{worker});
        processes.kill_templates();
        CHECK(run_until([&] { return processes.templates_gone() && processes.sweep_last(); },
                        patience));
        processes.end_turn();
    }

    template <typename Event>
    [[nodiscard]] bool has_heard() const
    {
        return std::any_of(heard.begin(), heard.end(), [](const core::Event& event) {
            return std::holds_alternative<Event>(event);
        });
    }
    void fork()
    {
        REQUIRE(run_until([&] { return loaded; }, patience));
        processes.carry_out(core::ForkWorker{.pool = pool, .worker = worker});
        REQUIRE(run_until([&] { return has_heard<core::WorkerReady>(); }, patience));
    }

    [[nodiscard]] std::uint16_t number_of(std::string_view handler) const
    {
        const auto found = std::find_if(handlers.begin(), handlers.end(),
                                        [&](const auto& each) { return each.name == handler; });
        REQUIRE(found != handlers.end());
        return static_cast<std::uint16_t>(found - handlers.begin());
    }

    std::vector<core::Event> heard;
    std::vector<daemon::HandlerEntry> handlers;
    int reports = 0;
    bool loaded = false;
    std::string failed;
    Processes processes;
};

}  // namespace

TEST_CASE("a worker has a control group from its fork to its end")
{
    FakeCgroupTree fake;
    Pool daemon{fake.open()};
    daemon.fork();
    const daemon::WorkerProcess* process = daemon.processes.worker(worker);
    REQUIRE(process != nullptr);
    CHECK(fake.files.read("ours/worker-1-2/cgroup.procs") == std::to_string(process->pid()));
    SUBCASE("and its group goes with it") {}
    SUBCASE("or later, when something is left in it")
    {
        fake.busy = "worker-1-2";
    }
    daemon.processes.carry_out(core::KillWorker{worker});
    REQUIRE(daemon.run_until([&] { return daemon.has_heard<core::WorkerExited>(); }, patience));
    CHECK(fake.has(group_of_worker) == fake.busy.has_value());
    fake.busy.reset();
    daemon.processes.sweep_groups();
    CHECK_FALSE(fake.has(group_of_worker));
}

TEST_CASE("a worker that dies with its hello in its outbox was never ready")
{
    FakeCgroupTree fake;
    Pool daemon{fake.open()};
    daemon.processes.add_pool(spawned, PoolPlan{.name = "s",
                                                .command = {"/bin/sh", "-c", holds_its_link},
                                                .what_to_load = {},
                                                .environment = {"PATH=/bin:/usr/bin"},
                                                .socket = {},
                                                .spawn = true});
    daemon.processes.carry_out(core::ForkWorker{.pool = spawned, .worker = worker});
    const daemon::WorkerProcess* process = daemon.processes.worker(worker);
    REQUIRE(process != nullptr);
    REQUIRE(process->alive());
    const pid_t pid = process->pid();
    REQUIRE(fake.has(group_of_worker));
    REQUIRE(daemon.run_until([&] { return process->stderr_tail() == "forked"; }, patience));
    commit_hello(pid);
    REQUIRE(::kill(pid, SIGKILL) == 0);
    REQUIRE(daemon.run_until([&] { return daemon.has_heard<core::WorkerExited>(); }, patience));
    CHECK_FALSE(daemon.has_heard<core::WorkerReady>());
    CHECK_FALSE(daemon.has_heard<core::ForkFailed>());
    CHECK(daemon.processes.worker(worker) != nullptr);
    CHECK_FALSE(fake.has(group_of_worker));
}

TEST_CASE("a pool that wants no control groups gets none")
{
    FakeCgroupTree fake;
    Pool daemon{fake.open(), PoolSettings::Cgroup::off};
    daemon.fork();
    CHECK_FALSE(fake.has(group_of_worker));
}

TEST_CASE("a group that cannot be made")
{
    FakeCgroupTree fake;
    auto tree = fake.tree();
    tree.make = [make = tree.make](const std::string& directory) {
        if (directory.find("worker-") == std::string::npos) {
            return make(directory);
        }
        errno = EPERM;
        return -1;
    };
    SUBCASE("costs nothing where groups are wanted if there are some")
    {
        Pool daemon{Cgroups::open(tree)};
        daemon.fork();
        CHECK_FALSE(daemon.has_heard<core::WorkerMisbehaved>());
    }
    SUBCASE("costs the worker where they are required")
    {
        Pool daemon{Cgroups::open(tree), PoolSettings::Cgroup::require};
        REQUIRE(daemon.run_until([&] { return daemon.loaded; }, patience));
        daemon.processes.carry_out(core::ForkWorker{.pool = pool, .worker = worker});
        CHECK(
            daemon.run_until([&] { return daemon.has_heard<core::WorkerMisbehaved>(); }, patience));
        CHECK(daemon.processes.worker(worker)->fault().starts_with("has no control group"));
    }
}

TEST_CASE("a pool that requires control groups is down where there are none")
{
    Pool daemon{Cgroups::off("it is said so"), PoolSettings::Cgroup::require};
    CHECK(daemon.failed == "cgroup = \"require\", but there are none: it is said so");
    CHECK(daemon.has_heard<core::TemplateLost>());
    CHECK(daemon.processes.templates_gone());
}

TEST_CASE("what a worker has done is heard when it is asked for, not within the event that asks")
{
    FakeCgroupTree fake;
    Pool daemon{fake.open()};
    daemon.fork();
    daemon::WorkerProcess* process = daemon.processes.worker(worker);
    REQUIRE(process != nullptr);
    CHECK_FALSE(daemon.processes.collect_words());
    SUBCASE("as long as it is there")
    {
        daemon::JobRecord record;
        record.id = JobId{1};
        record.submission.handler = daemon.number_of("echo");
        REQUIRE(process->offer({.worker = worker, .sequence = Sequence{1}, .job = record.id},
                               record, {}, loop::EventLoop::now()));
        daemon.flush_list.flush();
        // Nobody reads its link meanwhile.
        const auto end = loop::EventLoop::now() + patience;
        while (daemon.reports == 0 && loop::EventLoop::now() < end) {
            daemon.processes.carry_out(core::CollectWords{worker});
            REQUIRE(daemon.reports == 0);
            CHECK(daemon.processes.collect_words());
        }
        CHECK(daemon.reports == 1);
    }
    SUBCASE("or of no use")
    {
        daemon.processes.carry_out(core::CollectWords{worker});
        daemon.processes.carry_out(core::KillWorker{worker});
        REQUIRE(daemon.run_until([&] { return daemon.has_heard<core::WorkerExited>(); }, patience));
        daemon.processes.end_turn();
        CHECK(daemon.processes.collect_words());
        CHECK(daemon.reports == 0);
    }
    CHECK_FALSE(daemon.processes.collect_words());
}
