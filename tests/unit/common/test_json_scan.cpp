// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include "common/json_scan.hpp"
#include "common/limits.hpp"
#include "jobmill/error_code.hpp"

using namespace jobmill;
using namespace std::string_literals;

namespace {

struct Case {
    std::string_view line;
    std::size_t offset;
    std::string_view text;
};

constexpr std::string_view out_of_range = "a number out of the range of 64 bits";

std::string nested(std::size_t depth)
{
    return std::string(depth, '[') + std::string(depth, ']');
}

}  // namespace

TEST_CASE("well-formed values have no fault")
{
    for (const char* line :
         {"{}", "[]", " { } ", R"({"a":1,"b":[true,false,null],"c":{"d":"e"}})", "0", "-0", "1.5",
          "1e9", "1E+9", "-12.50e-3", "18446744073709551615", "-9223372036854775808", "1e308",
          "1e-999", R"("\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00")", "\t[1 , 2]\r", "\"caf\xc3\xa9\""}) {
        CAPTURE(line);
        CHECK_FALSE(find_json_fault(line).has_value());
    }
}

TEST_CASE("a fault is at the first byte that cannot be")
{
    for (const auto& each : {Case{"", 0, "unexpected end of line"},
                             {"{\"op\":", 6, "unexpected end of line"},
                             {"{\"op\":\"sub", 10, "unexpected end of line"},
                             {"{\"op\":\"a\"", 9, "unexpected end of line"},
                             {"[1,", 3, "unexpected end of line"},
                             {"tru", 3, "unexpected end of line"},
                             {"\"\\u00", 5, "unexpected end of line"},
                             {"\"\\", 2, "unexpected end of line"},
                             {"-", 1, "unexpected end of line"},
                             {"1.", 2, "unexpected end of line"},
                             {"1e", 2, "unexpected end of line"},
                             {"{} x", 3, "unexpected \"x\""},
                             {"{'a':1}", 1, "unexpected \"'\""},
                             {"{\"a\" 1}", 5, "unexpected \"1\""},
                             {"{\"a\":1,}", 7, "unexpected \"}\""},
                             {"[1,]", 3, "unexpected \"]\""},
                             {"[1 2]", 3, "unexpected \"2\""},
                             {"{1:2}", 1, "unexpected \"1\""},
                             {"truE", 3, "unexpected \"E\""},
                             {"01", 1, "unexpected \"1\""},
                             {"+1", 0, "unexpected \"+\""},
                             {"1.e5", 2, "unexpected \"e\""},
                             {"NaN", 0, "unexpected \"N\""},
                             {"\"a\tb\"", 2, "unexpected \"\\t\""},
                             {"\"\\x\"", 2, "unexpected \"x\""},
                             {"\"\\u00g0\"", 5, "unexpected \"g\""},
                             {"\"\\ud800\"", 1, "half of a surrogate pair"},
                             {"\"\\ud800\\u0041\"", 1, "half of a surrogate pair"},
                             {"\"x\\udc00\"", 2, "half of a surrogate pair"},
                             {"[18446744073709551616]", 1, out_of_range},
                             {"{\"a\":-9223372036854775809}", 5, out_of_range},
                             {"[0,1e999]", 3, out_of_range},
                             {"[\xc3\xa9]", 1, "unexpected \"\xc3\xa9\""}}) {
        CAPTURE(each.line);
        const auto fault = find_json_fault(each.line);
        REQUIRE(fault.has_value());
        CHECK(fault->code == std::string_view{error_code::bad_json});
        CHECK(fault->offset == each.offset);
        CHECK(fault->text == each.text);
    }
}

TEST_CASE("a line cut short anywhere ends where it ends")
{
    const std::string line =
        R"({"op":"submit","args":{"a":[1.5e3,true,null,"\u00e9"]},"more":false})";
    for (std::size_t size = 0; size < line.size(); ++size) {
        CAPTURE(size);
        const auto fault = find_json_fault(line.substr(0, size));
        REQUIRE(fault.has_value());
        CHECK(fault->offset == size);
        CHECK(fault->text == "unexpected end of line");
    }
}

TEST_CASE("nesting is allowed to the limit")
{
    CHECK_FALSE(find_json_fault(nested(limits::depth)).has_value());
    const auto fault = find_json_fault(nested(limits::depth + 1));
    REQUIRE(fault.has_value());
    CHECK(fault->code == std::string_view{error_code::too_deep});
    CHECK(fault->offset == limits::depth);
}

TEST_CASE("bytes that are not UTF-8 are found wherever they are")
{
    const auto fault = find_json_fault("{\"a\":\"b\xff\"}");
    REQUIRE(fault.has_value());
    CHECK(fault->code == std::string_view{error_code::not_utf8});
    CHECK(fault->offset == 7);
}

TEST_CASE("a NUL is a character that does not belong")
{
    const auto fault = find_json_fault("{}\0"s);
    REQUIRE(fault.has_value());
    CHECK(fault->text == "unexpected \"\\x00\"");
}
