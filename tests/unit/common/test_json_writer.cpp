// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "common/json_writer.hpp"

using namespace jobmill;

namespace {

template <typename Write>
std::string written(Write write)
{
    Bytes bytes;
    JsonWriter writer{bytes};
    write(writer);
    return std::string{text_of(bytes)};
}

std::string real(double value, int decimals)
{
    return written([&](JsonWriter& writer) { writer.real(value, decimals); });
}

}  // namespace

TEST_CASE("commas stand between members and elements, and nowhere else")
{
    CHECK(written([](JsonWriter& writer) {
              writer.begin_object().key("a").integer(1).key("b").begin_array().integer(1).null();
              writer.begin_object().end_object().end_array().key("c").boolean(false).end_object();
          }) == R"({"a":1,"b":[1,null,{}],"c":false})");
}

TEST_CASE("quotes, backslashes and control characters are escaped")
{
    CHECK(written([](JsonWriter& writer) { writer.text("\"\\\n\r\t\x01\x1f\x7f/caf\xc3\xa9"); }) ==
          "\"\\\"\\\\\\n\\r\\t\\u0001\\u001f\\u007f/caf\xc3\xa9\"");
    CHECK(written([](JsonWriter& writer) { writer.text({"\0", 1}); }) == R"("\u0000")");
}

TEST_CASE("the ends of the integers are written whole")
{
    CHECK(written([](JsonWriter& writer) {
              writer.integer(std::numeric_limits<std::int64_t>::min());
          }) == "-9223372036854775808");
    CHECK(written([](JsonWriter& writer) {
              writer.unsigned_integer(std::numeric_limits<std::uint64_t>::max());
          }) == "18446744073709551615");
}

TEST_CASE("reals have no trailing zeros")
{
    CHECK(real(0.04, 3) == "0.04");
    CHECK(real(12, 3) == "12");
    CHECK(real(100, 3) == "100");
    CHECK(real(0, 3) == "0");
    CHECK(real(100.1, 3) == "100.1");
    CHECK(real(-1.5, 6) == "-1.5");
    CHECK(real(1000, 0) == "1000");
}

TEST_CASE("what JSON cannot say becomes null")
{
    CHECK(real(HUGE_VAL, 3) == "null");
    CHECK(real(std::nan(""), 3) == "null");
    CHECK(real(1e300, 3) == "null");
}

TEST_CASE("a document is written with its members in their order")
{
    const Value value{
        Map{{"b", Value{Array{Value{1}, Value{0.5}, Value{true}, Value{}}}}, {"a", Value{"x"}}}};
    CHECK(written([&](JsonWriter& writer) { writer.value(value); }) ==
          R"({"b":[1,0.5,true,null],"a":"x"})");
}

TEST_CASE("bytes are written as base64")
{
    CHECK(written([](JsonWriter& writer) { writer.base64(bytes_of("foob")); }) == R"("Zm9vYg==")");
}
