// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include "daemon/config.hpp"
#include "daemon/key_depth.hpp"

using namespace jobmill::daemon;

namespace {

/// a.a.a…
std::string dotted(std::size_t parts, const std::string& part = "a", const std::string& dot = ".")
{
    std::string key = part;
    for (std::size_t i = 1; i < parts; ++i) {
        key += dot + part;
    }
    return key;
}

std::string where(std::string_view text)
{
    const auto place = too_deep_key(text);
    return place ? std::to_string(place->line) + ":" + std::to_string(place->column) : "nowhere";
}

std::string complaint(std::string_view text)
{
    const auto config = parse_config(text, "jm.toml");
    return config ? "none" : config.error().what;
}

}  // namespace

TEST_CASE("a key with as many parts as a key may have is none too deep, one more is")
{
    const std::string most = dotted(most_key_parts);
    const std::string more = dotted(most_key_parts + 1);
    CHECK(where(most + " = 1") == "nowhere");
    CHECK(where(more + " = 1") == "1:32");
    CHECK(where("[" + most + "]") == "nowhere");
    CHECK(where("[" + more + "]") == "1:33");
    CHECK(where("[[" + more + "]]") == "1:34");
    CHECK(where("x = { b = 1, " + more + " = 1 }") == "1:45");
}

TEST_CASE("quoted parts and blanks between parts do not hide a deep key")
{
    for (const char* const part : {"\"a\"", "'a'", "\"\\\"\"", "\"#\""}) {
        CAPTURE(part);
        CHECK(where(dotted(most_key_parts + 1, part) + " = 1") != "nowhere");
        CHECK(where(dotted(most_key_parts + 1, part, " \t. ") + " = 1") != "nowhere");
    }
}

TEST_CASE("the place of a deep key counts lines, and characters, not bytes")
{
    CHECK(where("# \xC3\xBC\n\n\"\xC3\xBC\"." + dotted(most_key_parts) + " = 1") == "3:34");
}

TEST_CASE("dots in strings, comments and numbers make no key deep")
{
    const std::string dots = dotted(100);
    for (const std::string& text :
         {"a = \"" + dots + "\"", "a = '" + dots + "'", "a = \"\"\"\n" + dots + "\n\"\"\"",
          "a = '''\n" + dots + "\n'''", "# " + dots, "a = 1 # it's " + dots,
          "a = \"\\\" " + dots + "\"", "\"" + dots + "\" = 1", "a = \"\"\"x\"\"\"\"\" # " + dots,
          "a = \"\"\"x\\\"\"\" " + dots + "\"\"\"", "a = [" + dotted(100, "1.5", ", ") + "]",
          dotted(100, "a.b = 1", "\n"), "a = \"\"\nb = '" + dots + "'"}) {
        CAPTURE(text);
        CHECK(where(text) == "nowhere");
    }
}

TEST_CASE("a key behind a string or a comment is seen")
{
    const std::string deep = dotted(most_key_parts + 1) + " = 1";
    for (const std::string before :
         {"a = \"x\"\n", "a = 'it\\'\n", "a = \"\"\"x\"\"\"\n", "a = \"\"\"x\"\"\"\"\n",
          "a = \"\"\"x\"\"\"\"\"\n", "a = '''x\\'''\n", "# it's\n", "a = \"\"\n",
          "x = { b = '''y'''', ", "a = \"no end\n"}) {
        CAPTURE(before);
        CHECK(where(before + deep) != "nowhere");
    }
}

TEST_CASE("a key of ten thousands of parts is refused with its place and ends nothing")
{
    const std::string endless = dotted(100'000);
    const std::string why = ": a key of more than 16 parts";
    CHECK(complaint("max_jobs = 1\n" + endless + " = 1") == "jm.toml:2:32" + why);
    CHECK(complaint("[" + endless + "]") == "jm.toml:1:33" + why);
    CHECK(complaint("[pool.a]\nenvironment = { " + endless + " = \"\" }") == "jm.toml:2:48" + why);
}

TEST_CASE("the deepest file that is let through to the parser is told to be wrong")
{
    std::string text;
    std::string end;
    for (int i = 0; i < 10'000; ++i) {
        text += dotted(most_key_parts) + " = {";
        end += "}";
        if (text.size() > 250'000) {
            break;
        }
    }
    CHECK(complaint(text + end).starts_with("jm.toml:1:"));
    text.clear();
    end.clear();
    for (int i = 0; i < 250; ++i) {  // as many as the parser takes
        text += dotted(most_key_parts) + " = {";
        end += "}";
    }
    CHECK(complaint(text + end) == "jm.toml:1:1: unknown key \"a\" in the configuration");
}
