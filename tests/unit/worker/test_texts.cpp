// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "worker/handlers/duration_text.hpp"
#include "worker/handlers/quoted.hpp"

namespace jobmill {

using handlers::decimal_duration;
using std::chrono::nanoseconds;

TEST_CASE("a duration is a number with a unit, of seconds without one")
{
    using namespace std::chrono_literals;
    CHECK(decimal_duration("300ms") == nanoseconds{300ms});
    CHECK(decimal_duration("2s") == nanoseconds{2s});
    CHECK(decimal_duration("1.5s") == nanoseconds{1500ms});
    CHECK(decimal_duration("1m") == nanoseconds{1min});
    CHECK(decimal_duration("0.5h") == nanoseconds{30min});
    CHECK(decimal_duration("20us") == nanoseconds{20us});
    CHECK(decimal_duration("3") == nanoseconds{3s});
    CHECK(decimal_duration("0") == nanoseconds{0});
}

TEST_CASE("what is no duration is refused")
{
    for (const char* text :
         {"", "s", "ten", "-1s", "1 s", "1d", "1.2.3s", ".", "1e3s", "9999999h"}) {
        CAPTURE(text);
        CHECK(!decimal_duration(text));
    }
}

TEST_CASE("a quoted text stays on one line and is cut when it is long")
{
    CHECK(handlers::quoted("a\nb") == "\"a\\nb\"");
    CHECK(handlers::quoted(std::string(100, 'x')).size() == 85);
    CHECK(handlers::trimmed(" \t12\r\n") == "12");
    CHECK(handlers::trimmed(" \n").empty());
}

}  // namespace jobmill
