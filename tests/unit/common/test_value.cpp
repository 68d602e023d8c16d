// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

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
