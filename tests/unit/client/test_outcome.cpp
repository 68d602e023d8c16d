// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "client/commands/outcome.hpp"
#include "tests/unit/client/ended_job.hpp"

using namespace jobmill;
using namespace jobmill::commands;
using jobmill::tests::cause_of;
using jobmill::tests::ended;

namespace {

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("exit codes follow the shell")
{
    Cause exit = cause_of("exit");
    exit.exit_code = 3;
    Cause exec = cause_of("exec");
    exec.exit_code = 127;
    Cause segv = cause_of("signal");
    segv.signal = "SIGSEGV";
    CHECK(exit_code_of(ended(JobState::succeeded)) == 0);
    CHECK(exit_code_of(ended(JobState::failed, cause_of("error"))) == 1);
    CHECK(exit_code_of(ended(JobState::failed, exit)) == 3);
    CHECK(exit_code_of(ended(JobState::failed, exec)) == 127);
    CHECK(exit_code_of(ended(JobState::failed, segv)) == 139);
    CHECK(exit_code_of(ended(JobState::crashed, segv)) == 139);
    exit.exit_code = 0;
    CHECK(exit_code_of(ended(JobState::crashed, exit)) == 1);
    CHECK(exit_code_of(ended(JobState::cancelled, cause_of("cancel"))) == 1);
    CHECK(exit_code_of(ended(JobState::timed_out)) == 124);
    exit.exit_code = 1 << 20;
    CHECK(exit_code_of(ended(JobState::failed, exit)) == 1);
}

TEST_CASE("a crash is told with its signal, time, worker and last lines")
{
    Cause cause = cause_of("signal");
    cause.signal = "SIGSEGV";
    cause.stderr_tail = "one\ntwo\n";
    const Words lines = notices_of(ended(JobState::crashed, cause));
    CHECK(lines ==
          Words{"job 7 crashed: SIGSEGV after 12 ms (worker 2, replaced)", "  one", "  two"});
}

TEST_CASE("a command's own exit code needs no notice")
{
    CHECK(notices_of(ended(JobState::failed, cause_of("exit"))).empty());
    CHECK(notices_of(ended(JobState::succeeded)).empty());
}

TEST_CASE("a job whose time is over leaves with the code of timeout(1), running or waiting")
{
    CHECK(exit_code_of(ended(JobState::timed_out, cause_of("timeout"))) == 124);
    CHECK(exit_code_of(ended(JobState::timed_out, cause_of("hang"))) == 124);
    CHECK(exit_code_of(ended(JobState::expired, cause_of("expired"))) == 124);
}

TEST_CASE("what a limit stopped has the code of the signal, when one did it")
{
    Cause cause = cause_of("limit");
    cause.limit = "cpu";
    CHECK(exit_code_of(ended(JobState::failed, cause)) == 1);
    cause.signal = "SIGXCPU";
    CHECK(exit_code_of(ended(JobState::failed, cause)) == 152);
    CHECK(exit_code_of(ended(JobState::crashed, cause)) == 152);
}

TEST_CASE("every end is told in a sentence")
{
    const auto said = [](JobState state, const Cause& cause) {
        const Words lines = notices_of(ended(state, cause));
        REQUIRE(lines.size() == 1);
        return lines.front();
    };
    CHECK(said(JobState::timed_out, cause_of("timeout")) ==
          "job 7 timed out after 12 ms (worker 2)");
    CHECK(said(JobState::timed_out, cause_of("hang")) ==
          "job 7 timed out: it showed no sign of life after 12 ms (worker 2)");
    CHECK(said(JobState::expired, cause_of("expired")) ==
          "job 7 expired: it had not begun after 3.0 s");
    Cause memory = cause_of("limit");
    memory.limit = "memory";
    CHECK(said(JobState::crashed, memory) ==
          "job 7 crashed: over its memory limit after 12 ms (worker 2, replaced)");
    CHECK(said(JobState::failed, memory) == "job 7 failed: over its memory limit");
    Cause killed = cause_of("signal");
    killed.signal = "SIGKILL";
    killed.out_of_memory = true;
    CHECK(said(JobState::failed, killed) ==
          "job 7: the command died of SIGKILL, for want of memory");
    CHECK(said(JobState::crashed, killed) ==
          "job 7 crashed: SIGKILL, for want of memory after 12 ms (worker 2, replaced)");
    Cause cancelled = cause_of("cancel");
    cancelled.was = "running";
    CHECK(said(JobState::cancelled, cancelled) == "job 7 cancelled (was running)");
    cancelled.kind = "halted";
    cancelled.was = "waiting";
    CHECK(said(JobState::cancelled, cancelled) ==
          "job 7 cancelled: its batch gave up (was waiting)");
    CHECK(said(JobState::cancelled, cause_of("stopping")) == "job 7 cancelled: the daemon stopped");
    CHECK(said(JobState::failed, cause_of("error")) == "job 7 failed: its handler failed");
    CHECK(said(JobState::failed, cause_of("a later daemon's")) == "job 7 failed: a later daemon's");
    CHECK(said(JobState::failed, Cause{}) == "job 7 failed: nobody knows why");
}

TEST_CASE("a poison job is told with how to run it again")
{
    Cause cause = cause_of("signal");
    cause.signal = "SIGSEGV";
    cause.poison = true;
    event::JobResult result = ended(JobState::crashed, cause);
    result.attempt = 3;
    CHECK(notices_of(result).front() ==
          "job 7 crashed: SIGSEGV after 12 ms (worker 2, replaced), attempt 3 of 3; set aside: "
          "jobmill retry 7");
}

TEST_CASE("attempts are counted, and told when that is asked for")
{
    Cause segv = cause_of("signal");
    segv.signal = "SIGSEGV";
    Cause exit = cause_of("exit");
    exit.exit_code = 3;
    event::JobResult result = ended(JobState::failed, exit);
    result.attempt = 3;
    result.attempts = {
        {.state = JobState::crashed, .worker = SlotId{1}, .run_ns = 5'000'000, .cause = segv},
        {.state = JobState::timed_out,
         .worker = SlotId{2},
         .run_ns = 2'000'000'000,
         .cause = cause_of("timeout")}};
    CHECK(notices_of(result) == Words{"job 7 failed: exit code 3, attempt 3 of 3"});
    CHECK(notices_of(result, {.attempts = true}) ==
          Words{"job 7 failed: exit code 3, attempt 3 of 3",
                "  attempt 1 crashed: SIGSEGV after 5 ms (worker 1)",
                "  attempt 2 timed out after 2.0 s (worker 2)"});
    result.state = JobState::cancelled;
    CHECK(notices_of(result).front().find(", attempt 3") != std::string::npos);
    CHECK(notices_of(result).front().find("of 3") == std::string::npos);
}

TEST_CASE("of a thousand attempts the last ones are told")
{
    event::JobResult result = ended(JobState::failed, cause_of("error"));
    result.attempt = 1001;
    result.attempts.resize(16);
    const Words lines = notices_of(result, {.attempts = true});
    REQUIRE(lines.size() == 7);
    CHECK(lines[1] == "  995 attempts before these");
    CHECK(lines[6].starts_with("  attempt 1000 failed"));
}

TEST_CASE("the stack and the last progress are background, last lines are not")
{
    Cause cause = cause_of("timeout");
    cause.done = 37;
    cause.total = 101;
    cause.note = "merging";
    cause.stack = "#0 _Z3sumi+0x1 (a+0x2)\n#1 main\n";
    cause.stderr_tail = "late\n";
    cause.stderr_shared = true;
    CHECK(notices_of(ended(JobState::timed_out, cause)) ==
          Words{"job 7 timed out after 12 ms (worker 2)", "  last progress: 37 of 101 merging",
                "  its worker wrote, perhaps for jobs before this one:", "  late",
                "  #0 sum(int)+0x1 (a+0x2)", "  #1 main"});
    CHECK(notices_of(ended(JobState::timed_out, cause), {.background = false}) ==
          Words{"job 7 timed out after 12 ms (worker 2)",
                "  its worker wrote, perhaps for jobs before this one:", "  late"});
}

TEST_CASE("a retry is told with its cause and when it begins")
{
    Cause segv = cause_of("signal");
    segv.signal = "SIGSEGV";
    CHECK(notice_of({.job = JobId{7},
                     .attempt = 1,
                     .worker = SlotId{2},
                     .delay_ns = 100'000'000,
                     .state = JobState::crashed,
                     .cause = segv}) ==
          "job 7: attempt 1 crashed: SIGSEGV (worker 2); again in 100 ms");
}
