// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "daemon/line_splitter.hpp"

using namespace jobmill;
using jobmill::daemon::LineSplitter;

namespace {

using Texts = std::vector<std::string>;

void take(LineSplitter& lines, Texts& to)
{
    for (auto line = lines.next(); line; line = lines.next()) {
        to.emplace_back(*line);
    }
}

}  // namespace

TEST_CASE("lines come out whole wherever the stream is cut")
{
    const std::string stream = "one\r\n\ntwo words\n\r\nthree\n";
    const Texts expected{"one", "", "two words", "", "three"};
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        CAPTURE(cut);
        LineSplitter lines;
        Texts taken;
        lines.feed(bytes_of(std::string_view{stream}.substr(0, cut)));
        take(lines, taken);
        lines.feed(bytes_of(std::string_view{stream}.substr(cut)));
        take(lines, taken);
        CHECK(taken == expected);
        CHECK(lines.partial() == 0);
    }
}

TEST_CASE("lines come out whole when bytes come one by one")
{
    LineSplitter lines;
    Texts taken;
    for (const char c : std::string_view{"ab\r\ncd\n\ne\n"}) {
        lines.feed(bytes_of(std::string_view{&c, 1}));
        take(lines, taken);
    }
    CHECK(taken == Texts{"ab", "cd", "", "e"});
}

TEST_CASE("lines that were fed together may be taken at different times")
{
    LineSplitter lines;
    lines.feed(bytes_of("a\nb\nc"));
    CHECK(lines.next() == "a");
    lines.feed(bytes_of("d\n"));
    CHECK(lines.next() == "b");
    CHECK(lines.next() == "cd");
    CHECK_FALSE(lines.next().has_value());
}

TEST_CASE("a carriage return within a line is a part of it")
{
    LineSplitter lines;
    lines.feed(bytes_of("a\rb\n\r\r\n"));
    CHECK(lines.next() == "a\rb");
    CHECK(lines.next() == "\r");
}

TEST_CASE("the size of what is not a line yet is known")
{
    LineSplitter lines;
    CHECK(lines.partial() == 0);
    lines.feed(bytes_of("a\nbcd"));
    CHECK(lines.next() == "a");
    CHECK_FALSE(lines.next().has_value());
    CHECK(lines.partial() == 3);
}

TEST_CASE("what is left without a newline can be taken, once")
{
    LineSplitter lines;
    lines.feed(bytes_of("a\nrest"));
    CHECK(lines.next() == "a");
    CHECK_FALSE(lines.next().has_value());
    CHECK(lines.take_rest() == "rest");
    CHECK(lines.partial() == 0);
    CHECK(lines.take_rest().empty());
    CHECK_FALSE(lines.next().has_value());
}
