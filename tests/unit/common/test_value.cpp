// SPDX-License-Identifier: MIT
#include <limits>

#include <doctest/doctest.h>

#include "common/json_writer.hpp"
#include "common/msgpack.hpp"
#include "jobmill/value.hpp"

using namespace jobmill;

TEST_CASE("a document's members are found by name and type")
{
    const Value value{Map{{"name", Value{"sum"}}, {"count", Value{3}}, {"share", Value{0.5}}}};
    CHECK(value.text_at("name") == "sum");
    CHECK(value.integer_at("count") == 3);
    CHECK(value.real_at("share") == 0.5);
    CHECK(value.real_at("count") == 3.0);
}

TEST_CASE("a member that is missing or of another type answers its default")
{
    const Value value{Map{{"name", Value{"sum"}}}};
    CHECK(value.text_at("other").empty());
    CHECK(value.integer_at("name") == 0);
    CHECK(value.real_at("other") == 0);
    CHECK(value.find("other") == nullptr);
    CHECK(Value{7}.find("name") == nullptr);
    CHECK(Value{}.text_at("name").empty());
}

TEST_CASE("a literal is text, not a truth value")
{
    CHECK(Value{"yes"}.text() != nullptr);
    CHECK(Value{true}.text() == nullptr);
}

TEST_CASE("an integer above the signed ones never turns negative")
{
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    CHECK(*Value{most}.integer() == std::numeric_limits<std::int64_t>::max());
    const Value large{most + 1};
    CHECK(large.integer() == nullptr);
    CHECK(large == Value{LargeInteger{most + 1}});
    Bytes line;
    JsonWriter{line}.value(large);
    CHECK(text_of(line) == "9223372036854775808");
    Bytes bytes;
    msgpack::Writer{bytes}.value(large);
    CHECK(msgpack::decode(bytes).value() == Value{9223372036854775808.0});
}
