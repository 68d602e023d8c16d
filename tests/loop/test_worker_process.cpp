// SPDX-License-Identifier: MIT
// Templates and workers as the daemon sees them: the real program, and a pretended one.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>

#include "common/claims.hpp"
#include "common/outbox.hpp"
#include "common/segment.hpp"
#include "daemon/pool_directory.hpp"
#include "daemon/template_process.hpp"
#include "daemon/worker_process.hpp"
#include "tests/loop/worker_fixture.hpp"
#include "tests/unit/daemon/temp_directory.hpp"

using namespace jobmill;
using namespace jobmill::tests;
using daemon::Inherited;
using daemon::TemplateProcess;

namespace {

/// A worker in a control group whose files the test writes in the kernel's stead.
struct Grouped : Watched {
    Grouped()
    {
        pretend();
        for (const char* file : {"cgroup.kill", "memory.max", "pids.max"}) {
            group.write(file, "");
        }
        worker->join(daemon::WorkerCgroup{group.path()});
    }
    void offer(std::uint64_t sequence, const JobLimits& limits) const
    {
        Watched::offer(sequence, job_with("a"), limits);
    }
    void die(int signal_number = SIGKILL)
    {
        REQUIRE(::kill(worker->pid(), signal_number) == 0);
        REQUIRE(run_until([&] { return exits == 1; }));
    }
    void oom_kills(int count) const
    {
        group.write("memory.events", "oom_kill " + std::to_string(count) + "\n");
    }

    TempDirectory group;
};

/// A pretended worker that keeps what it says in its outbox, too.
struct Outboxed : Watched {
    Outboxed()
    {
        pretend();
        auto mapped = Segment::map(ends[1]);
        REQUIRE(mapped.has_value());
        segment.emplace(std::move(*mapped));
        outbox.emplace(segment->layout());
    }
    /// Into the outbox alone.
    Bytes commit(Bytes frame)
    {
        REQUIRE(outbox->commit(frame));
        return frame;
    }

    std::optional<Segment> segment;
    std::optional<OutboxWriter> outbox;
};

}  // namespace

TEST_CASE_FIXTURE(Watched, "a template loads, forks a worker, and the worker runs a job")
{
    const UniqueFd executable = program(JOBMILL_WORKER_PROGRAM);
    std::vector<std::string> handlers;
    std::optional<Forked> forked;
    int gone = 0;
    auto started = TemplateProcess::start(
        loop, flush_list,
        {.executable = executable.get(),
         .arguments = {"jobmill-worker", "--template", "--daemon-pid", std::to_string(::getpid())},
         .environment = {"PATH=/bin"}},
        {.on_loaded =
             [&](const Value& body) {
                 const auto list = daemon::read_handlers(body);
                 REQUIRE(list.has_value());
                 for (const auto& handler : *list) {
                     handlers.push_back(handler.name);
                 }
             },
         .on_refused = [](const std::string& why) { FAIL(why); },
         .on_forked = [&](const Forked& report) { forked = report; },
         .on_gone = [&](const daemon::ProcessExit&) { ++gone; }});
    REQUIRE(started.has_value());
    const auto process = std::move(*started);
    REQUIRE(run_until([&] { return !handlers.empty(); }));
    process->fork(worker_id, std::move(ends));
    REQUIRE(run_until([&] { return ready_pid != 0 && forked; }));
    CHECK(forked->pid == ready_pid);
    CHECK(daemon::is_own_child(ready_pid));
    REQUIRE(worker->adopt(ready_pid).has_value());
    const auto echo = static_cast<std::uint16_t>(
        std::find(handlers.begin(), handlers.end(), "echo") - handlers.begin());
    offer(1, job_with("say it again", echo));
    CHECK(run_until([&] { return !results.empty(); }));
    CHECK(results == std::vector<std::string>{"say it again"});
    worker->dismiss();
    process->dismiss();
    CHECK(run_until([&] { return exits == 1 && gone == 1; }));
    CHECK(worker->exit().text() == "exit code 0");
    CHECK(misbehaved == 0);
}

TEST_CASE_FIXTURE(Watched, "only a child can be adopted")
{
    const auto adopted = worker->adopt(1);
    REQUIRE_FALSE(adopted.has_value());
    CHECK(adopted.error().code == Errc::not_found);
    CHECK_FALSE(worker->alive());
}

TEST_CASE_FIXTURE(Watched, "a worker that ends its link misbehaves, and has to go")
{
    pretend();
    ends[0].reset();
    CHECK(run_until([&] { return misbehaved > 0; }));
    worker->kill();
    CHECK(run_until([&] { return exits == 1; }));
    CHECK(misbehaved == 1);
    CHECK(worker->cause_of_death().kind == "signal");
    CHECK(worker->cause_of_death().signal == "SIGKILL");
}

TEST_CASE_FIXTURE(Watched, "a worker that writes nonsense is understood no further")
{
    pretend();
    say(outcome("good"));
    say(bytes_of(std::string(64, '\xee')));
    say(outcome("after"));
    CHECK(run_until([&] { return misbehaved > 0; }));
    settle();
    CHECK(results == std::vector<std::string>{"good"});
    worker->kill();
    CHECK(run_until([&] { return exits == 1; }));
    CHECK(worker->cause_of_death().kind == "lost");
    CHECK(worker->cause_of_death().text.find("wrote nonsense") != std::string::npos);
}

TEST_CASE_FIXTURE(Watched, "of results that come together all but the last promise more")
{
    pretend();
    Bytes together = outcome("a", 1);
    append(together, outcome("b", 2));
    append(together, outcome("c", 3));
    say(together);
    CHECK(run_until([&] { return results.size() == 3; }));
    CHECK(promises == "++.");
    // One that is cut: what has come is told without it.
    const Bytes fourth = outcome("d", 4);
    const Bytes fifth = outcome("e", 5);
    together = fourth;
    append(together, ByteView{fifth}.first(9));
    say(together);
    CHECK(run_until([&] { return results.size() == 4; }));
    CHECK(promises == "++.+!");
    say(ByteView{fifth}.subspan(9));
    CHECK(run_until([&] { return results.size() == 5; }));
    CHECK(promises == "++.+!.");
    // And one before nonsense.
    together = outcome("f", 6);
    append(together, bytes_of(std::string(64, '\xee')));
    say(together);
    CHECK(run_until([&] { return misbehaved > 0; }));
    CHECK(promises == "++.+!.+!");
}

TEST_CASE_FIXTURE(Outboxed, "what a dead worker had finished and could not send is not lost")
{
    const Bytes first = commit(outcome("first", 1));
    const Bytes second = commit(outcome("second", 2));
    // The first arrives whole, the second in part.
    say(first);
    say(ByteView{second}.first(9));
    CHECK(run_until([&] { return results.size() == 1; }));
    worker->kill();
    CHECK(run_until([&] { return exits == 1; }));
    CHECK(results == std::vector<std::string>{"first", "second"});
}

TEST_CASE_FIXTURE(Outboxed, "what a worker finished counts when something else is in its link")
{
    const Bytes first = commit(outcome("first", 1));
    const Bytes second = commit(outcome("second", 2));
    say(first);
    SUBCASE("alone")
    {
        say(bytes_of(std::string(64, '\xee')));
    }
    SUBCASE("among what it says")
    {
        say(bytes_of(std::string(10, '\xee')));
        say(second);
    }
    SUBCASE("in what was collected before it came")
    {
        worker->collect();
        say(bytes_of(std::string(100, '\xee')));
    }
    CHECK(run_until([&] { return misbehaved > 0; }));
    (void)commit(outcome("third", 3));
    worker->kill();
    CHECK(run_until([&] { return exits == 1; }));
    CHECK(results == std::vector<std::string>{"first", "second", "third"});
    CHECK(worker->cause_of_death().kind == "lost");
}

TEST_CASE_FIXTURE(Outboxed, "a few stray bytes that nobody takes for nonsense cost nothing, either")
{
    const Bytes first = commit(outcome("first", 1));
    say(first);
    say(bytes_of(std::string(6, 'x')));
    (void)commit(outcome("second", 2));
    (void)commit(outcome("third", 3));
    settle();
    worker->kill();
    CHECK(run_until([&] { return exits == 1; }));
    CHECK(results == std::vector<std::string>{"first", "second", "third"});
}

TEST_CASE_FIXTURE(Outboxed, "what was finished counts though the worker is accused of something")
{
    say(commit(outcome("first", 1)));
    CHECK(run_until([&] { return results.size() == 1; }));
    worker->accuse("could not be given a job");
    say(commit(outcome("second", 2)));
    (void)commit(outcome("third", 3));
    worker->kill();
    CHECK(run_until([&] { return exits == 1; }));
    CHECK(results == std::vector<std::string>{"first", "second", "third"});
}

TEST_CASE_FIXTURE(Outboxed, "nonsense in the outbox as well is understood no further")
{
    say(commit(outcome("first", 1)));
    say(bytes_of(std::string(64, '\xee')));
    CHECK(run_until([&] { return misbehaved > 0; }));
    (void)commit(Bytes(64, std::byte{0xee}));
    (void)commit(outcome("second", 2));
    worker->kill();
    CHECK(run_until([&] { return exits == 1; }));
    CHECK(results == std::vector<std::string>{"first"});
}

TEST_CASE_FIXTURE(Outboxed, "what follows words that are not believed does not count")
{
    lie = "lie";
    say(commit(outcome("first", 1)));
    CHECK(run_until([&] { return results.size() == 1; }));
    const Bytes told = commit(outcome(lie, 2));
    SUBCASE("when they are heard")
    {
        say(told);
        CHECK(run_until([&] { return results.size() == 2; }));
    }
    SUBCASE("when they are found after its death"){}(void)commit(outcome("third", 3));
    worker->kill();
    CHECK(run_until([&] { return exits == 1; }));
    CHECK(results == std::vector<std::string>{"first", "lie"});
}

TEST_CASE_FIXTURE(Outboxed, "what a worker has committed and not sent is collected, and heard once")
{
    const Bytes first = commit(outcome("first", 1));
    const Bytes second = commit(outcome("second", 2));
    say(first);
    CHECK(run_until([&] { return results.size() == 1; }));
    worker->collect();
    CHECK(results == std::vector<std::string>{"first", "second"});
    CHECK(segment->layout().taken == segment->layout().committed);
    worker->collect();
    say(ByteView{second}.first(9));
    settle();
    say(ByteView{second}.subspan(9));
    say(commit(outcome("third", 3)));
    CHECK(run_until([&] { return results.size() == 3; }));
    CHECK(results.back() == "third");
    worker->kill();
    CHECK(run_until([&] { return exits == 1; }));
    CHECK(results.size() == 3);
}

TEST_CASE_FIXTURE(Outboxed,
                  "what comes in part, with a descriptor, or to nobody is left to the link")
{
    const Bytes first = commit(outcome("first", 1));
    worker->pause_reading(true);
    worker->collect();
    CHECK(results.empty());
    worker->pause_reading(false);
    say(ByteView{first}.first(9));
    settle();
    worker->collect();
    CHECK(results.empty());
    say(ByteView{first}.subspan(9));
    CHECK(run_until([&] { return results.size() == 1; }));
    Bytes with_blob;
    encode(JobOutcome{.sequence = Sequence{2}, .size = 100'000, .has_blob = true}, with_blob);
    (void)commit(with_blob);
    worker->collect();
    CHECK(results.size() == 1);
    CHECK(misbehaved == 0);
}

TEST_CASE_FIXTURE(Watched, "what a dead worker said is read, even if nobody was listening")
{
    pretend();
    worker->pause_reading(true);
    say(outcome("unheard"));
    settle();
    CHECK(results.empty());
    worker->kill();
    CHECK(run_until([&] { return exits == 1; }));
    CHECK(results == std::vector<std::string>{"unheard"});
    worker->pause_reading(false);
    worker->dismiss();
    worker->kill();
}

TEST_CASE_FIXTURE(Watched, "the end of its standard error tells of a worker's death")
{
    pretend("echo begin >&2; seq 2000 >&2; echo ouch >&2; exit 9");
    ends[2].reset();
    CHECK(run_until([&] { return exits == 1; }));
    const Cause cause = worker->cause_of_death();
    CHECK(cause.kind == "exit");
    CHECK(cause.exit_code == 9);
    CHECK(cause.stderr_tail.size() <= limits::stderr_tail);
    CHECK(cause.stderr_tail.ends_with("2000\nouch\n"));
    CHECK(cause.stderr_tail.find("begin") == std::string::npos);
}

TEST_CASE_FIXTURE(Watched, "a worker that floods its standard error does not hold up the others")
{
    pretend("exec yes >&2");
    int turns = 0;
    auto timer = loop::Timer::create(loop, [&] { ++turns; });
    timer->start_repeating(1ms);
    CHECK(run_until([&] { return turns >= 20; }));
    worker->kill();
    CHECK(run_until([&] { return exits == 1; }));
}

TEST_CASE_FIXTURE(Watched, "nor does one that is not known yet, nor what a dead one leaves behind")
{
    const UniqueFd shell = program("/bin/sh");
    const Inherited inherited[] = {{.ours = ends[2].get(), .theirs = STDERR_FILENO}};
    const auto flood = daemon::spawn({.executable = shell.get(),
                                      .arguments = {"sh", "-c", "exec yes >&2"},
                                      .environment = {"PATH=/bin:/usr/bin"}},
                                     inherited);
    REQUIRE(flood.has_value());
    int turns = 0;
    auto timer = loop::Timer::create(loop, [&] { ++turns; });
    timer->start_repeating(1ms);
    CHECK(run_until([&] { return turns >= 20; }));
    pretend("exit 0");
    CHECK(run_until([&] { return exits == 1; }));
    REQUIRE(::kill(*flood, SIGKILL) == 0);
    CHECK(::waitpid(*flood, nullptr, 0) == *flood);
}

TEST_CASE_FIXTURE(Watched, "an offer can be taken back until the worker has claimed it")
{
    pretend();
    auto segment = Segment::map(ends[1]);
    REQUIRE(segment.has_value());
    offer(1, job_with("a"));
    CHECK(worker->revoke(Sequence{1}));
    CHECK_FALSE(worker->revoke(Sequence{1}));
    offer(2, job_with("b"));
    CHECK(take_claim(segment->layout(), Sequence{2}));
    CHECK_FALSE(worker->revoke(Sequence{2}));
}

TEST_CASE_FIXTURE(Grouped,
                  "a job's bounds are those of its worker's group, which is killed with it")
{
    offer(1, {.memory = 4096, .processes = 2});
    CHECK(group.read("memory.max") == "4096");
    CHECK(group.read("pids.max") == "3");
    offer(2, {});
    CHECK(group.read("memory.max") == "max");
    worker->kill();
    CHECK(group.read("cgroup.kill") == "1");
    CHECK(run_until([&] { return exits == 1; }));
    const auto left = worker->take_group();
    REQUIRE(left.has_value());
    CHECK(left->directory() == group.path());
    CHECK_FALSE(worker->take_group().has_value());
}

TEST_CASE_FIXTURE(Grouped, "a worker that is killed for want of memory died of its job's limit")
{
    SUBCASE("if there was one")
    {
        offer(1, {.memory = 4096});
        oom_kills(2);
        die();
        CHECK(worker->died_of_limit());
        CHECK(worker->cause_of_death().kind == "limit");
        CHECK(worker->cause_of_death().limit == "memory");
    }
    SUBCASE("else of the machine's")
    {
        offer(1, {});
        oom_kills(1);
        die();
        CHECK_FALSE(worker->died_of_limit());
        CHECK(worker->cause_of_death().kind == "signal");
    }
    CHECK(worker->cause_of_death().out_of_memory);
}

TEST_CASE_FIXTURE(Grouped, "one that dies otherwise did not, whatever was killed before")
{
    offer(1, {.memory = 4096});
    SUBCASE("of its own fault")
    {
        oom_kills(1);
        die(SIGSEGV);
    }
    SUBCASE("after a job whose processes were killed")
    {
        oom_kills(1);
        Bytes failed;
        encode(JobOutcome{.sequence = Sequence{1}, .succeeded = false}, failed);
        say(failed);
        CHECK(run_until([&] { return results.size() == 1; }));
        offer(2, {.memory = 4096});
        die();
    }
    CHECK_FALSE(worker->died_of_limit());
    CHECK_FALSE(worker->cause_of_death().out_of_memory);
}

TEST_CASE_FIXTURE(Grouped,
                  "what a job took is what its group has counted, as far as it is the job's")
{
    CHECK(worker->usage() == Usage{});
    offer(1, {});
    group.write("cpu.stat", "usage_usec 5000000\n");
    group.write("memory.peak", "123456\n");
    SUBCASE("the first")
    {
        die();
        CHECK(worker->usage().cpu_ns.value_or(0) > 4'900'000'000);
        CHECK(worker->usage().peak_rss == 123456U);
    }
    SUBCASE("a later one, and what it had at most is not in the group's")
    {
        offer(2, {});
        die();
        CHECK(worker->usage().cpu_ns.value_or(0) > 4'900'000'000);
        CHECK(worker->usage().peak_rss != 123456U);
    }
}
