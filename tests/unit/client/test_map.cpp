// SPDX-License-Identifier: MIT
// The parts of map that need no daemon.
#include <fcntl.h>
#include <unistd.h>

#include <array>

#include <doctest/doctest.h>

#include "client/commands/command_text.hpp"
#include "client/commands/job_log_line.hpp"
#include "client/commands/map_items.hpp"
#include "client/commands/map_tally.hpp"
#include "tests/unit/client/ended_job.hpp"

using namespace jobmill;
using namespace jobmill::commands;
using jobmill::tests::cause_of;
using jobmill::tests::ended;

namespace {

using Words = std::vector<std::string>;

std::pair<int, int> exit_and_signal(const event::JobResult& result)
{
    const JobLogLine line = line_of(result, {});
    return {line.exit_value, line.signal};
}

MapTally tally_of(const char* halt, int successes, int failures)
{
    MapTally tally{*halt == '\0' ? std::nullopt : std::optional{parse_halt(halt).value()}};
    for (int i = 0; i < successes; ++i) {
        tally.add_success();
    }
    for (int i = 0; i < failures; ++i) {
        tally.add_failure(3 + static_cast<std::uint64_t>(i), 7 + i);
    }
    return tally;
}

Words rest_of(MapItems& items)
{
    Words all;
    while (true) {
        while (auto item = items.next()) {
            all.push_back(std::to_string(item->number) + item->text);
        }
        if (items.ended()) {
            return all;
        }
        REQUIRE(items.read());
    }
}

}  // namespace

TEST_CASE("a line of the job log has the columns of GNU parallel")
{
    JobLogLine line;
    line.seq = 12;
    line.start =
        std::chrono::system_clock::time_point{std::chrono::milliseconds{1'360'490'623'067}};
    line.ran = std::chrono::milliseconds{3445};
    line.sent = 1023;
    line.received = 1222;
    line.exit_value = -1;
    line.signal = 9;
    line.command = "echo 'a\tb\nc'";
    using namespace std::string_literals;
    CHECK(text_of(line) ==
          "12\t:\t1360490623.067\t     3.445\t1023\t1222\t-1\t9\techo 'a\tb\0c'\n"s);
    std::string text = text_of(line);
    text.pop_back();
    const auto read = parse_job_log_line(text);
    REQUIRE(read);
    CHECK(read->seq == 12);
    CHECK(read->exit_value == -1);
    CHECK(read->signal == 9);
    CHECK(read->command == line.command);
}

TEST_CASE("a line of another shape is refused")
{
    for (const char* bad :
         {"", "1", "Seq\tHost", "1\t:\t0\t0\t0\t0\t0\t0", "0\t:\t0\t0\t0\t0\t0\t0\tx",
          "x\t:\t0\t0\t0\t0\t0\t0\tx", "1\t:\t0\t0\t0\t0\tx\t0\tx", "1\t:\t0\t0\t0\t0\t0\t\tx",
          "1000000001\t:\t0\t0\t0\t0\t0\t0\tx", "-1\t:\t0\t0\t0\t0\t0\t0\tx"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_job_log_line(bad));
    }
    CHECK(parse_job_log_line("1\tserver2\t0\t0\t0\t0\t0\t0\t"));
}

TEST_CASE("exit value and signal of an end are those of GNU parallel")
{
    Cause exit = cause_of("exit");
    exit.exit_code = 3;
    using Pair = std::pair<int, int>;
    CHECK(exit_and_signal(ended(JobState::succeeded)) == Pair{0, 0});
    CHECK(exit_and_signal(ended(JobState::failed, exit)) == Pair{3, 0});
    CHECK(exit_and_signal(ended(JobState::failed, cause_of("error"))) == Pair{1, 0});
    CHECK(exit_and_signal(ended(JobState::failed, cause_of("signal", "SIGKILL"))) == Pair{0, 9});
    CHECK(exit_and_signal(ended(JobState::crashed, cause_of("signal", "SIGSEGV"))) == Pair{0, 11});
    CHECK(exit_and_signal(ended(JobState::crashed, exit)) == Pair{1, 0});
    CHECK(exit_and_signal(ended(JobState::timed_out, cause_of("timeout", "SIGTERM"))) ==
          Pair{-1, 0});
    CHECK(exit_and_signal(ended(JobState::expired)) == Pair{-1, 0});
    CHECK(exit_and_signal(ended(JobState::cancelled)) == Pair{-1, 0});
    event::JobResult dropped = ended(JobState::succeeded);
    dropped.dropped = true;
    CHECK(exit_and_signal(dropped) == Pair{1, 0});
}

TEST_CASE("a command is quoted where sh needs it and only there")
{
    CHECK(command_text(Words{"lame", "a b.wav", "x.mp3"}) == "lame 'a b.wav' x.mp3");
    CHECK(command_text(Words{"A=1", "B=2", "it's", "", "$x", "~"}) ==
          "'A=1' B=2 'it'\\''s' '' '$x' '~'");
    CHECK(split_words(command_text(Words{"a", "it's", "", "b c", "x=y z"})).value() ==
          Words{"a", "it's", "", "b c", "x=y z"});
    CHECK_FALSE(split_words("a 'b"));
}

TEST_CASE("a handler's job is a line of sh that can be read back")
{
    WorkOptions work;
    work.handler = "grep";
    work.pool = "text pool";
    work.args = {"word=two words", "n:=5"};
    const std::string text = handler_text(work, "it's\nan item");
    CHECK(text ==
          "jobmill run -p 'text pool' -a 'word=two words' -a n:=5 grep -- 'it'\\''s\nan item'");
    const auto read = work_of(text, WorkOptions{});
    REQUIRE(read);
    CHECK(read->handler == "grep");
    CHECK(read->pool == "text pool");
    CHECK(read->args == work.args);
    CHECK(read->payload == "it's\nan item");
    CHECK(read->payload_is_text);
}

TEST_CASE("a pool and a label that are said now have more weight than the log's")
{
    WorkOptions now;
    now.pool = "fast";
    now.label = "again";
    const auto read = work_of("jobmill run -p slow sum -- 5", now);
    REQUIRE(read);
    CHECK(read->pool == "fast");
    CHECK(read->label == "again");
}

TEST_CASE("any other line is a command for sh, one that runs jobmill too")
{
    for (const char* text :
         {"echo hi | wc", "jobmill run sum 5", "jobmill run 'x", "jobmill run"}) {
        CAPTURE(text);
        const auto read = work_of(text, WorkOptions{});
        REQUIRE(read);
        CHECK(read->handler.empty());
        CHECK(read->shell);
        CHECK(read->command == Words{text});
    }
}

TEST_CASE("an item that does not fit a line is left out, and cannot be read back")
{
    WorkOptions work;
    work.handler = "sum";
    const std::string text = handler_text(work, std::string(5000, 'x'));
    CHECK(text == "jobmill run sum - # 5000 bytes");
    CHECK_FALSE(work_of(text, work));
    CHECK_FALSE(work_of(handler_text(work, std::string_view{"a\0b", 3}), work));
}

TEST_CASE("a map leaves with the number of failed jobs")
{
    CHECK(tally_of("", 5, 0).exit_code() == 0);
    CHECK(tally_of("", 5, 100).exit_code() == 100);
    CHECK(tally_of("", 5, 101).exit_code() == 101);
    CHECK_FALSE(tally_of("", 0, 1000).halts());
    CHECK(tally_of("", 2, 1).summary() == "2 done, 1 failed");
    CHECK(tally_of("", 2, 0).summary().empty());
}

TEST_CASE("with fail=1 a map leaves with the code of the job that failed")
{
    CHECK(tally_of("now,fail=1", 5, 0).exit_code() == 0);
    CHECK(tally_of("now,fail=1", 5, 1).exit_code() == 7);
    CHECK(tally_of("soon,fail=1", 5, 3).exit_code() == 7);
    CHECK(tally_of("soon,fail=2", 5, 3).exit_code() == 3);
    CHECK(tally_of("now,fail=1", 0, 1).halts());
    CHECK_FALSE(tally_of("now,fail=2", 0, 1).halts());
    CHECK(tally_of("now,fail=2", 0, 2).halts());
}

TEST_CASE("with fail=N% it leaves with the share that failed, and judges it from three on")
{
    CHECK(tally_of("soon,fail=50%", 2, 1).exit_code() == 34);
    CHECK(tally_of("soon,fail=50%", 0, 0).exit_code() == 0);
    CHECK_FALSE(tally_of("soon,fail=1%", 0, 2).halts());
    CHECK(tally_of("soon,fail=1%", 0, 3).halts());
    CHECK_FALSE(tally_of("soon,fail=50%", 4, 3).halts());
    CHECK(tally_of("soon,fail=50%", 3, 3).halts());
}

TEST_CASE("what was given up is counted apart")
{
    MapTally tally = tally_of("now,fail=1", 2, 1);
    tally.add_halted();
    CHECK(tally.summary() == "2 done, 1 failed, 1 given up");
    CHECK(tally.exit_code() == 7);
}

TEST_CASE("what a stopping daemon has cut short is counted apart, and fails the map")
{
    MapTally tally = tally_of("", 2, 1);
    tally.add_cut_short(9, 1);
    tally.add_cut_short(10, 1);
    CHECK(tally.summary() == "2 done, 1 failed, 2 cut short");
    CHECK(tally.failed_items() == "items 3, 9 and 10");
    CHECK(tally.exit_code() == 3);
}

TEST_CASE("the first items that fail are named")
{
    CHECK(tally_of("", 5, 0).failed_items().empty());
    CHECK(tally_of("", 0, 1).failed_items() == "item 3");
    CHECK(tally_of("", 0, 2).failed_items() == "items 3 and 4");
    CHECK(tally_of("", 0, 3).failed_items() == "items 3, 4 and 5");
    CHECK(tally_of("", 0, 10).failed_items() == "items 3, 4, 5, 6, 7, 8, 9, 10, 11 and 12");
    CHECK(tally_of("", 0, 110).failed_items() ==
          "items 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 100 others");
}

TEST_CASE("items that are done are skipped, and keep their numbers")
{
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    const UniqueFd out{pipe[0]};
    UniqueFd in{pipe[1]};
    REQUIRE(::write(in.get(), "a\nb\nc\nd\n", 8) == 8);
    in.reset();
    MapItems items{ItemReader{out.get(), '\n', 100}, std::vector<bool>{false, true, false, true}};
    CHECK(items.total() == 0);
    CHECK(rest_of(items) == Words{"2b", "4d"});
    CHECK(items.total() == 2);
}

TEST_CASE("the number of items is known once the input has ended, before they are taken")
{
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    const UniqueFd out{pipe[0]};
    UniqueFd in{pipe[1]};
    MapItems items{ItemReader{out.get(), '\n', 100}, std::vector<bool>{false, true}};
    REQUIRE(::write(in.get(), "a\nb\nc", 5) == 5);
    CHECK(items.can_read_ahead());
    REQUIRE(items.read_ahead());
    CHECK(items.next()->text == "b");
    CHECK(items.total() == 0);
    in.reset();
    REQUIRE(items.read_ahead());
    CHECK_FALSE(items.can_read_ahead());
    CHECK(items.total() == 2);
    CHECK(rest_of(items) == Words{"3c"});
    CHECK(items.total() == 2);
}

TEST_CASE("no more is read ahead than a bound")
{
    const UniqueFd zeros{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
    MapItems many{ItemReader{zeros.get(), '\0', 100}, {}};
    int reads = 0;
    for (; many.can_read_ahead(); ++reads) {
        REQUIRE(many.read_ahead());
    }
    CHECK(reads == 2);
    CHECK(many.next());
    MapItems large{ItemReader{zeros.get(), '\n', std::uint64_t{1} << 30U}, {}};
    for (reads = 0; large.can_read_ahead(); ++reads) {
        REQUIRE(large.read_ahead());
    }
    CHECK(reads == 256);
}

TEST_CASE("commands of a log are items without input")
{
    MapItems items{std::map<std::uint64_t, std::string>{{3, "x"}, {1, "y"}}};
    CHECK(items.ended());
    CHECK(items.has_next());
    CHECK(items.total() == 2);
    CHECK(rest_of(items) == Words{"1y", "3x"});
    CHECK(items.total() == 2);
    CHECK_FALSE(items.has_next());
}
