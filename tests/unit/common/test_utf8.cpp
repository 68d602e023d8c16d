// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include "common/utf8.hpp"

using namespace jobmill;
using namespace std::string_literals;

TEST_CASE("the borders of every length of UTF-8 are well-formed")
{
    for (const char* text :
         {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
          "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "na\xc3\xafve"}) {
        CAPTURE(text);
        CHECK(valid_utf8(text));
    }
    CHECK(valid_utf8("a\0b"s));
}

TEST_CASE("overlong forms, surrogates, stray and missing bytes are not UTF-8")
{
    for (const char* text :
         {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc2", "\xe0\xa0",
          "\xf0\x90\x80", "\xc2\x41"}) {
        CAPTURE(text);
        CHECK_FALSE(valid_utf8(text));
        // Wherever it stands: behind the eight bytes at a time, and before more text.
        CHECK_FALSE(valid_utf8("12345678"s + text));
        CHECK_FALSE(valid_utf8(text + "12345678"s));
    }
}

TEST_CASE("the well-formed beginning ends before the first malformed character")
{
    CHECK(valid_utf8_prefix("abc") == 3);
    CHECK(valid_utf8_prefix("") == 0);
    CHECK(valid_utf8_prefix("\xff") == 0);
    CHECK(valid_utf8_prefix("0123456789\xc3\xafx\xe2\x82") == 13);
}

TEST_CASE("a cut does not go through a character")
{
    CHECK(utf8_head("abc", 5) == "abc");
    CHECK(utf8_head("abc", 2) == "ab");
    CHECK(utf8_head("a\xe2\x82\xac", 3) == "a");
    CHECK(utf8_head("a\xe2\x82\xac", 4) == "a\xe2\x82\xac");
    CHECK(utf8_head("\xe2\x82\xac", 0).empty());
    CHECK_MESSAGE(utf8_head(std::string(100, '\x80'), 50).size() >= 47,
                  "what is no text at all is cut anywhere");
}

TEST_CASE("every malformed byte becomes one replacement character")
{
    CHECK(to_valid_utf8("caf\xc3\xa9") == "caf\xc3\xa9");
    CHECK(to_valid_utf8("a\xff\xfe"
                        "b") ==
          "a\xef\xbf\xbd\xef\xbf\xbd"
          "b");
    CHECK(to_valid_utf8("\xe2\x82") == "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("an escaped text is one line without control characters")
{
    CHECK(escaped("a\nb\tc\x1b[0m\x7f") == "a\\nb\\tc\\x1b[0m\\x7f");
    CHECK(escaped("caf\xc3\xa9") == "caf\xc3\xa9");
}

TEST_CASE("a text is cut at its end without cutting a character")
{
    CHECK(utf8_cut("abc", 3) == "abc");
    CHECK(utf8_cut("abc", 2) == "ab");
    CHECK(utf8_cut("a\xe2\x82\xac", 3) == "a");
    CHECK(utf8_cut("a\xe2\x82\xac", 4) == "a\xe2\x82\xac");
    CHECK(utf8_cut("\xff\xff", 4) == "\xef\xbf\xbd");
    CHECK(utf8_cut("", 4).empty());
}

TEST_CASE("a text is cut at its beginning without cutting a character")
{
    CHECK(utf8_cut_front("abc", 3) == "abc");
    CHECK(utf8_cut_front("abc", 2) == "bc");
    CHECK(utf8_cut_front("\xe2\x82\xac"
                         "a",
                         3) == "a");
    CHECK(utf8_cut_front("\xe2\x82\xac"
                         "a",
                         4) ==
          "\xe2\x82\xac"
          "a");
    CHECK(utf8_cut_front("\xff\xff", 4) == "\xef\xbf\xbd");
    CHECK(utf8_cut_front("\xf0\x9f\x98\x80"
                         "abcdefgh",
                         8) == "abcdefgh");
    CHECK(utf8_cut_front("", 4).empty());
    const std::string garbage(10'000, '\xfe');
    CHECK(valid_utf8(utf8_cut_front(garbage, 256)));
    CHECK(utf8_cut_front(garbage, 256).size() <= 256);
}
