// SPDX-License-Identifier: MIT
#include <array>
#include <map>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include "worker/handlers/text_table.hpp"

namespace jobmill::handlers {
namespace {

using Numbers = std::map<std::string, std::uint64_t>;

Numbers all_of(const TextTable& table)
{
    Numbers numbers;
    table.each([&](std::string_view text, std::uint64_t number) {
        CHECK(numbers.emplace(text, number).second);
    });
    CHECK(numbers.size() == table.size());
    return numbers;
}

bool is_letter(unsigned byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

}  // namespace

TEST_CASE("of eight bytes at once it is known how many letters come first")
{
    CHECK(leading_letters(lower_eight(first_eight("ABCdefgh"))) == 8);
    for (unsigned byte = 0; byte < 256; ++byte) {
        CAPTURE(byte);
        for (std::size_t place = 0; place < 8; ++place) {
            // Beside bytes that would carry or borrow if they could.
            for (const char beside : {'z', 'A', '\0', '\xff'}) {
                std::string text(8, beside);
                std::fill(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(place), 'q');
                text[place] = static_cast<char>(byte);
                const bool all = is_letter(byte);
                const bool rest = is_letter(static_cast<unsigned char>(beside));
                const std::size_t letters = !all ? place : rest ? 8 : place + 1;
                CHECK(leading_letters(lower_eight(first_eight(text))) == letters);
            }
        }
    }
}

TEST_CASE("each text has a number of its own, whatever its length and bytes")
{
    std::mt19937 random{7};
    TextTable table;
    Numbers expected;
    const auto add = [&](const std::string& text, std::uint64_t number) {
        table.at(text) += number;
        expected[text] += number;
    };
    CHECK(all_of(table).empty());
    add("", 5);
    add(std::string(1, '\0'), 6);
    add(std::string(8, '\0'), 7);
    add(std::string(9, '\0'), 8);
    add("never counted", 0);
    // Of few different bytes, so that many begin alike and many come again.
    for (int i = 0; i < 200'000; ++i) {
        std::string text(random() % 24, 'a');
        for (char& byte : text) {
            byte = static_cast<char>("ab\0\xff"[random() % 4]);
        }
        add(text, random() % 3);
    }
    CHECK(expected.size() > 100'000);
    CHECK(all_of(table) == expected);
}

TEST_CASE("a short text is the same text when it comes as a number")
{
    TextTable table;
    for (const std::string_view text : {"", "a", "seven77", "eight888"}) {
        table.at(text) = 1;
        CHECK(table.at_short(first_eight(text), text.size()) == 1);
        table.at_short(first_eight(text), text.size()) += 1;
        CHECK(table.at(text) == 2);
    }
    table.at_short(first_eight("new"), 3) = 9;
    CHECK(all_of(table) == Numbers{{"", 2}, {"a", 2}, {"seven77", 2}, {"eight888", 2}, {"new", 9}});
}

TEST_CASE("a text may be gone when its number is asked for")
{
    TextTable table;
    for (int i = 0; i < 5000; ++i) {
        const std::string text = "a text of some length, the number " + std::to_string(i);
        table.at(text) = static_cast<std::uint64_t>(i);
    }
    CHECK(table.size() == 5000);
    CHECK(table.at("a text of some length, the number 4321") == 4321);
}

}  // namespace jobmill::handlers
