// SPDX-License-Identifier: MIT
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <limits>

#include <doctest/doctest.h>

#include "client/commands/arguments.hpp"
#include "client/commands/cause_text.hpp"
#include "client/commands/ended_jobs.hpp"
#include "client/commands/interrupts.hpp"
#include "client/commands/item_reader.hpp"
#include "client/commands/json_output.hpp"
#include "client/commands/payload.hpp"
#include "client/commands/placeholders.hpp"
#include "client/commands/progress_bar.hpp"
#include "client/commands/session.hpp"
#include "common/unique_fd.hpp"

using namespace jobmill;
using namespace jobmill::commands;

namespace {

using Words = std::vector<std::string>;

Words items_of(std::string_view input, char terminator)
{
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    const UniqueFd out{pipe[0]};
    UniqueFd in{pipe[1]};
    REQUIRE(::write(in.get(), input.data(), input.size()) == static_cast<ssize_t>(input.size()));
    in.reset();
    ItemReader reader{out.get(), terminator, 1000};
    Words items;
    while (true) {
        while (auto item = reader.next()) {
            items.push_back(std::move(*item));
        }
        if (reader.ended()) {
            return items;
        }
        REQUIRE(reader.read());
    }
}

}  // namespace

TEST_CASE("placeholders stand for the item")
{
    CHECK(fill(Words{"lame", "{}", "{.}.mp3", "{/}", "{#}"}, "a/b.c/song.wav", 12) ==
          Words{"lame", "a/b.c/song.wav", "a/b.c/song.mp3", "song.wav", "12"});
    CHECK(fill(Words{"{//}/out/{/.}.mp3"}, "a/b.c/song.wav", 1) == Words{"a/b.c/out/song.mp3"});
}

TEST_CASE("an item's directory is what dirname calls it")
{
    CHECK(fill(Words{"{//}"}, "song.wav", 1) == Words{"."});
    CHECK(fill(Words{"{//}"}, "/song.wav", 1) == Words{"/"});
    CHECK(fill(Words{"{//}"}, "a//song.wav", 1) == Words{"a"});
    CHECK(fill_for_shell(Words{"cd {//}; ls {/.}"}, "it's/a b.c", 1) == "cd 'it'\\''s'; ls 'a b'");
}

TEST_CASE("an item without a placeholder is appended as one word")
{
    CHECK(fill(Words{"echo"}, "two words", 1) == Words{"echo", "two words"});
    CHECK(fill(Words{"echo", "{#}"}, "x", 3) == Words{"echo", "3", "x"});
}

TEST_CASE("only the last part of a name has an extension")
{
    CHECK(fill(Words{"{.}"}, "dir.d/file", 1) == Words{"dir.d/file"});
    CHECK(fill(Words{"{.}"}, ".bashrc", 1) == Words{".bashrc"});
    CHECK(fill(Words{"{.}"}, "a.tar.gz", 1) == Words{"a.tar"});
}

TEST_CASE("for a shell the item is quoted, the pattern is not")
{
    CHECK(fill_for_shell(Words{"wc -l < {} | cat"}, "it's; rm", 1) ==
          "wc -l < 'it'\\''s; rm' | cat");
    CHECK(fill_for_shell(Words{"echo"}, "$HOME", 1) == "echo '$HOME'");
}

TEST_CASE("arguments are numbers and truths when they look like it")
{
    const auto map = parse_arguments(Words{"a=1", "b=-2.5", "c=x=y", "d=true", "e:=5", "f=007",
                                           "g=", "h=99999999999999999999", "i=1e3", "j=nan"});
    REQUIRE(map);
    const Value value{*map};
    CHECK(value.integer_at("a") == 1);
    CHECK(value.real_at("b") == -2.5);
    CHECK(value.text_at("c") == "x=y");
    CHECK(std::get<bool>(*value.find("d")));
    CHECK(value.text_at("e") == "5");
    CHECK(value.text_at("f") == "007");
    CHECK(value.find("g")->text() != nullptr);
    CHECK(value.text_at("h") == "99999999999999999999");
    CHECK(value.real_at("i") == 1000);
    CHECK(value.text_at("j") == "nan");
}

TEST_CASE("an argument needs a key, once")
{
    CHECK_FALSE(parse_arguments(Words{"noequals"}));
    CHECK_FALSE(parse_arguments(Words{"=x"}));
    CHECK_FALSE(parse_arguments(Words{":=x"}));
    CHECK_FALSE(parse_arguments(Words{"a=1", "a:=2"}));
    CHECK_FALSE(parse_arguments(Words{"a=\xff"}));
}

TEST_CASE("a command's words must be UTF-8, and variables that are not are left out")
{
    CHECK_FALSE(command_arguments(Words{"ls", "\xff"}, {}));
    const auto map = command_arguments(
        Words{"ls"},
        {.directory = "/tmp", .environment = {"A=1", "B=\xff", "=C", "D"}, .mask = 027});
    REQUIRE(map);
    const Value value{*map};
    CHECK(value.text_at("cwd") == "/tmp");
    CHECK(value.find("env")->array()->size() == 1);
    CHECK(value.find("argv")->array()->size() == 1);
    CHECK(value.text_at("umask") == "027");
}

TEST_CASE("a label is the command, cut to the limit")
{
    CHECK(label_of(Words{"make", "all"}) == "make all");
    const std::string long_label = label_of(Words{std::string(126, 'x') + "\xc3\xa9\xc3\xa9"});
    CHECK(long_label.size() <= 128);
    CHECK(long_label.ends_with("..."));
}

TEST_CASE("durations are told in the unit that fits")
{
    CHECK(duration_text(40'000) == "0.04 ms");
    CHECK(duration_text(12'000'000) == "12 ms");
    CHECK(duration_text(1'300'000'000) == "1.3 s");
    CHECK(duration_text(240'000'000'000) == "4 min");
}

TEST_CASE("an age is a word, whatever number the daemon says")
{
    CHECK(age_text(12) == "12ms");
    CHECK(age_text(1300) == "1.3s");
    CHECK(age_text(-5) == "0.00ms");
    CHECK(age_text(std::numeric_limits<double>::quiet_NaN()) == "0.00ms");
    CHECK(age_text(std::numeric_limits<double>::infinity()) == "277778h");
}

TEST_CASE("items end with the terminator, the last one with the input")
{
    CHECK(items_of("a\nbb\n", '\n') == Words{"a", "bb"});
    CHECK(items_of("a\n\nb", '\n') == Words{"a", "", "b"});
    CHECK(items_of("", '\n').empty());
    CHECK(items_of(std::string_view{"x\ny\0z\0", 6}, '\0') == Words{"x\ny", "z"});
}

TEST_CASE("an item above the limit is an error")
{
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    const UniqueFd out{pipe[0]};
    const UniqueFd in{pipe[1]};
    const std::string input(2000, 'x');
    REQUIRE(::write(in.get(), input.data(), input.size()) == 2000);
    ItemReader reader{out.get(), '\n', 1000};
    REQUIRE(reader.read());
    CHECK_FALSE(reader.next());
    CHECK_FALSE(reader.read());
}

TEST_CASE("job numbers are whole and above 0")
{
    CHECK(parse_job("121") == JobId{121});
    CHECK_FALSE(parse_job("0"));
    CHECK_FALSE(parse_job("12x"));
    CHECK_FALSE(parse_job("-1"));
    CHECK_FALSE(parse_job(""));
}

TEST_CASE("jobs that have not ended are found in a status, whichever spelling it has")
{
    const auto job = [](Value id, const char* state) {
        return Value{Map{{"job", std::move(id)}, {"state", state}}};
    };
    const Value status{Map{{"jobs", Array{job(7, "running"), job("8", "queued"), job(9, "waiting"),
                                          job(10, "crashed"), job(11, "succeeded")}}}};
    CHECK(unfinished_of(status) == std::unordered_set{JobId{7}, JobId{8}, JobId{9}});
    CHECK(unfinished_of(Value{5}).empty());
}

TEST_CASE("each job is waited for once")
{
    CHECK(parse_jobs(Words{"3", "1", "3"}).value() == std::vector{JobId{3}, JobId{1}});
    CHECK_FALSE(parse_jobs(Words{"3", "x"}));
}

TEST_CASE("a bar is full when all is done, and no longer")
{
    CHECK(bar_text(12, 24) == "[############            ] 12/24");
    CHECK(bar_text(30, 24) == "[########################] 30/24");
    CHECK(bar_text(7, 0) == "7");
}

TEST_CASE("what came in pieces is one line of JSON")
{
    const std::string text(300'000, 'x');
    const auto has = [](const Bytes& line, const std::string& part) {
        return text_of(line).find(part) != std::string_view::npos && text_of(line).ends_with("}\n");
    };
    event::Chunk chunk{.tag = Tag{1}, .job = JobId{7}, .size = text.size()};
    chunk.payload = Bytes(text.size(), std::byte{'x'});
    CHECK(has(json_line(chunk, "1"), R"({"op":"chunk","id":"1","job":"7","payload":")" + text));
    event::JobResult result{.tag = Tag{1}, .job = JobId{7}, .state = JobState::succeeded};
    result.payload = Bytes(text.size(), std::byte{0xff});
    result.size = text.size();
    const std::string spelled(text.size() / 3 * 4, '/');
    CHECK(has(json_line(result, "1"), R"("payload_b64":")" + spelled + '"'));
}

TEST_CASE("an input that ends with an interrupt is no payload")
{
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    const UniqueFd out{pipe[0]};
    UniqueFd in{pipe[1]};
    REQUIRE(::write(in.get(), "abc", 3) == 3);
    in.reset();
    // The signal would stay with this process.
    const pid_t child = ::fork();
    if (child == 0) {
        watch_interrupts();
        (void)::raise(SIGINT);
        ::_exit(Payload::from(out.get(), 1000) ? 1 : 0);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}
