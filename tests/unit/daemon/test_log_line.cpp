// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include "common/utf8.hpp"
#include "daemon/log_line.hpp"

using namespace jobmill;
using log::json_members;
using log::text_line;

TEST_CASE("an event is its words and its fields, in the order given")
{
    const std::string pool = "images";
    CHECK(text_line("worker crashed",
                    {{"pool", pool}, {"worker", 3U}, {"job", 17U}, {"cause", "SIGSEGV"}}) ==
          "worker crashed pool=images worker=3 job=17 cause=SIGSEGV");
    CHECK(json_members("worker crashed",
                       {{"pool", pool}, {"worker", 3U}, {"job", 17U}, {"cause", "SIGSEGV"}}) ==
          R"("event":"worker crashed","pool":"images","worker":3,"job":17,"cause":"SIGSEGV")");
    CHECK(text_line("stopped", {}) == "stopped");
    CHECK(json_members("stopped", {}) == R"("event":"stopped")");
}

TEST_CASE("a text is quoted when it could be taken for more than one word")
{
    CHECK(text_line("pool down", {{"cause", "exit code 3"}}) == R"(pool down cause="exit code 3")");
    CHECK(text_line("pool down", {{"cause", "a=b"}}) == R"(pool down cause="a=b")");
    CHECK(text_line("pool down", {{"cause", R"(say "no")"}}) == R"(pool down cause="say \"no\"")");
    CHECK(text_line("pool down", {{"cause", R"(C:\n)"}}) == R"(pool down cause="C:\\n")");
    CHECK(text_line("pool down", {{"socket", "/run/user/1000/jobmill.sock"}}) ==
          "pool down socket=/run/user/1000/jobmill.sock");
}

TEST_CASE("no value can begin a line of its own or command a terminal")
{
    const std::string hostile =
        "one\ntwo\r\x1b[2J\x7f\xc2\x9b"
        "0m";
    CHECK(text_line("pool down", {{"cause", hostile}}) ==
          R"(pool down cause="one\ntwo\x0d\x1b[2J\x7f\x9b0m")");
    CHECK(json_members("pool down", {{"cause", hostile}}) ==
          R"("event":"pool down","cause":"one\ntwo\r\u001b[2J\u007f\u009b0m")");
}

TEST_CASE("what is no UTF-8 is replaced")
{
    CHECK(text_line("pool down", {{"cause", "a\xff"}}) == "pool down cause=\"a\xef\xbf\xbd\"");
    CHECK(json_members("pool down", {{"cause", "a\xff"}}) ==
          "\"event\":\"pool down\",\"cause\":\"a\xef\xbf\xbd\"");
}

TEST_CASE("absent numbers and empty texts are left out, zero and negative ones are not")
{
    CHECK(text_line("worker left", {{"job", std::optional<std::uint64_t>{}},
                                    {"worker", std::optional{2U}},
                                    {"cause", ""},
                                    {"count", 0U},
                                    {"exit_code", -1}}) ==
          "worker left worker=2 count=0 exit_code=-1");
}

TEST_CASE("a line is bounded, whatever its texts hold, and cut between characters")
{
    const std::string long_text(5'000, 'x');
    const std::string line = text_line("pool down", {{"cause", long_text}, {"worker", 1U}});
    CHECK(line.size() < 1'100);
    CHECK(line.ends_with("xxx... worker=1"));

    const std::string controls(5'000, '\x01');
    const std::string accents = [] {
        std::string text;
        for (int i = 0; i < 3'000; ++i) {
            text += "\xc3\xa9";
        }
        return text;
    }();
    const log::Fields fields{{"cause", controls}, {"stderr", accents}, {"config", controls},
                             {"socket", accents}, {"pool", controls},  {"worker", 1U}};
    for (const std::string& bounded :
         {text_line("pool down", fields), json_members("pool down", fields)}) {
        CHECK(bounded.size() <= log::longest_line);
        CHECK(valid_utf8(bounded));
        CHECK(bounded.find("worker") != std::string::npos);
    }
}
