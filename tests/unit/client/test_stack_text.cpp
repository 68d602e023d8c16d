// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include "client/commands/stack_text.hpp"

namespace jobmill::commands {
namespace {

std::string frame(const std::string& symbol)
{
    return "#1 " + symbol + "+0xd3 (jobmill-worker+0x2a163)";
}

/// Each part is the one before it twice: the source's name is two to the power of that long.
std::string bomb(std::size_t doublings)
{
    constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    std::string name = "_Z1fI1a1xIS0_S0_E";
    for (std::size_t i = 2; i <= doublings; ++i) {
        const std::string last{'S', digits[i], '_'};
        name.append("S1_I").append(last).append(last).append("E");
    }
    return name + "Evv";
}

}  // namespace

TEST_CASE("the names of a stack are as they are in the source")
{
    CHECK(frame_text(frame("_ZN7jobmill8handlers5sleepERNS_3JobE")) ==
          frame("jobmill::handlers::sleep(jobmill::Job&)"));
    CHECK(frame_text("#12 _ZNSt6vectorIiSaIiEE4sizeEv+0x1 (x.so+0x2)") ==
          "#12 std::vector<int, std::allocator<int> >::size()+0x1 (x.so+0x2)");
    CHECK(frame_text("#0 _ZplRK1aS1_+0x1 (a (b)+0x2)") ==
          "#0 operator+(a const&, a const&)+0x1 (a (b)+0x2)");
}

TEST_CASE("what is no such name stays as it is")
{
    for (const char* const line :
         {"", "#", "#0", "#0 ", "in handler _Z1fv", "between jobs", "command 17 _Z1fv+0x1 (a+0x2)",
          "#0 clock_nanosleep+0x23 (libc.so.6+0xcf503)", "#0 (libc.so.6+0xcf503)",
          "#0 _Zwhatever+0x1 (a+0x2)", "#0 _Z1fv", "#0 _Z1fv (a+0x2)", "#0_Z1fv+0x1 (a+0x2)",
          "+0x1 (a", "#0 +0x1 (a+0x2)", "#0 _Z+0x1 (a+0x2)"}) {
        CHECK(frame_text(line) == line);
    }
}

TEST_CASE("a name that would be longer than anybody reads stays as it is")
{
    CHECK(frame_text(frame(bomb(3))) != frame(bomb(3)));
    for (const std::string& symbol :
         {bomb(8), bomb(30), "_Z1" + std::string(2000, 'f') + "v", "_Z" + std::string(4000, 'P')}) {
        CHECK(frame_text(frame(symbol)) == frame(symbol));
    }
}

TEST_CASE("people are told where the job was, and nothing of the worker below it")
{
    const std::string called =
        "#2 _ZN7jobmill6JobRun4callERKNS_13LoadedHandlerE+0x1 (w+0x3)\n#3 main+0x1 (w+0x4)";
    using Lines = std::vector<std::string>;
    CHECK(stack_lines("in handler f\n#0 poll+0x1 (l+0x1)\n\n#1 _Z1fv+0x1 (m+0x2)\n" + called) ==
          Lines{"in handler f", "#0 poll+0x1 (l+0x1)", "#1 f()+0x1 (m+0x2)"});
    CHECK(stack_lines("in handler exec\ncommand 7 (sh) S in do_wait\n#0 poll+0x1 (l+0x1)\n" +
                      called) == Lines{"in handler exec", "command 7 (sh) S in do_wait"});
    CHECK(stack_lines("#0 a+0x1 (b+0x2)") == Lines{"#0 a+0x1 (b+0x2)"});
    CHECK(stack_lines("").empty());
}

}  // namespace jobmill::commands
