// SPDX-License-Identifier: MIT
#include "client/commands/arguments.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

#include "client/daemon_launch.hpp"
#include "common/limits.hpp"
#include "common/utf8.hpp"

namespace jobmill::commands {
namespace {

/// Leading zeros and signs other than one minus are somebody's text: "007", "+1".
bool begins_like_number(std::string_view text)
{
    if (text.starts_with('-')) {
        text.remove_prefix(1);
    }
    if (text.empty() || text[0] < '0' || text[0] > '9') {
        return false;
    }
    return text[0] != '0' || text.size() == 1 || text[1] < '0' || text[1] > '9';
}

/// As the shell writes it: 022.
std::string octal(mode_t mask)
{
    std::array<char, 8> digits{};
    const auto [end, error] = std::to_chars(digits.begin(), digits.end(), mask & 0777U, 8);
    return "0" + std::string(digits.begin(), end);
}

template <typename T>
std::optional<T> whole_number(std::string_view text)
{
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return {};
    }
    return value;
}

Value value_of(std::string_view text)
{
    if (text == "true" || text == "false") {
        return Value{text == "true"};
    }
    if (begins_like_number(text)) {
        if (const auto integer = whole_number<std::int64_t>(text)) {
            return Value{*integer};
        }
        const bool decimal = text.find_first_of(".eE") != std::string_view::npos;
        if (const auto real = decimal ? whole_number<double>(text) : std::nullopt) {
            return Value{*real};
        }
    }
    return Value{text};
}

Result<void> check_command_word(const std::string& word)
{
    return valid_utf8(word)
               ? Result<void>{}
               : fail(Errc::invalid, "the command's word \"" + escaped(word) + "\" is not UTF-8");
}

}  // namespace

Result<Map> parse_arguments(std::span<const std::string> words)
{
    Map arguments;
    for (const std::string& word : words) {
        const std::size_t equals = word.find('=');
        const bool forced = equals != std::string::npos && equals > 0 && word[equals - 1] == ':';
        const std::string key = word.substr(0, forced ? equals - 1 : equals);
        if (equals == std::string::npos || key.empty()) {
            return fail(Errc::invalid, "argument \"" + word + "\": want KEY=VALUE or KEY:=TEXT");
        }
        if (!valid_utf8(word)) {
            return fail(Errc::invalid, "argument \"" + key + "\" is not UTF-8");
        }
        for (const auto& [name, value] : arguments) {
            if (name == key) {
                return fail(Errc::invalid, "argument \"" + key + "\" is given twice");
            }
        }
        const std::string text = word.substr(equals + 1);
        arguments.emplace_back(key, forced ? Value{text} : value_of(text));
    }
    return arguments;
}

Result<void> check_name(const char* option, std::string_view text)
{
    if (!valid_utf8(text)) {
        return fail(Errc::invalid,
                    std::string{option} + ": \"" + escaped(text) + "\" is not UTF-8");
    }
    return text.size() <= limits::name
               ? Result<void>{}
               : fail(Errc::invalid, std::string{option} + ": has " + std::to_string(text.size()) +
                                         " bytes; want at most " + std::to_string(limits::name));
}

Result<void> check_words(const WorkOptions& work, std::span<const std::string> command)
{
    JOBMILL_TRY(check_name("HANDLER", work.handler));
    JOBMILL_TRY(check_name("--pool", work.pool));
    JOBMILL_TRY(check_name("--label", work.label));
    JOBMILL_TRY(parse_arguments(work.args));
    for (const std::string& word : command) {
        JOBMILL_TRY(check_command_word(word));
    }
    return {};
}

std::string not_a_count(const std::string& word)
{
    if (whole_number<std::uint64_t>(word).value_or(0) == 0) {
        return "\"" + word + "\": want a whole number above 0";
    }
    constexpr auto most = std::numeric_limits<std::uint32_t>::max();
    return *whole_number<std::uint64_t>(word) > most
               ? "\"" + word + "\": want at most " + std::to_string(most)
               : "";
}

Result<Map> command_arguments(std::span<const std::string> words, const CommandPlace& place)
{
    if (!valid_utf8(place.directory)) {
        return fail(Errc::invalid, "the name of the current directory, \"" +
                                       escaped(place.directory) + "\", is not UTF-8");
    }
    Array argv;
    for (const std::string& word : words) {
        JOBMILL_TRY(check_command_word(word));
        argv.emplace_back(word);
    }
    Array variables;
    std::size_t bytes = 0;
    for (const std::string& variable : place.environment) {
        const std::size_t equals = variable.find('=');
        if (equals != std::string::npos && equals > 0 && valid_utf8(variable)) {
            variables.emplace_back(variable);
            bytes += variable.size();
        }
    }
    if (bytes > limits::meta) {
        return fail(Errc::invalid, "the environment has " + std::to_string(bytes) +
                                       " bytes; a command may have " +
                                       std::to_string(limits::meta) +
                                       " with its words: env -u NAME jobmill ... leaves one out");
    }
    return Map{{"argv", std::move(argv)},
               {"cwd", place.directory},
               {"env", std::move(variables)},
               {"umask", octal(place.mask)}};
}

Result<CommandPlace> current_place()
{
    CommandPlace place{.directory = std::string(PATH_MAX, '\0'), .environment = own_environment()};
    if (::getcwd(place.directory.data(), place.directory.size()) == nullptr) {
        return fail_errno("the current directory", errno);
    }
    place.directory.resize(place.directory.find('\0'));
    // To ask is to set; meanwhile it is the strictest.
    place.mask = ::umask(S_IRWXU | S_IRWXG | S_IRWXO);
    (void)::umask(place.mask);
    return place;
}

std::string label_of(std::span<const std::string> words)
{
    std::string label;
    for (const std::string& word : words) {
        if (label.size() > limits::name) {
            break;
        }
        label += label.empty() ? "" : " ";
        label += word;
    }
    label = escaped(label);
    if (label.size() > limits::name) {
        label.resize(limits::name - 3);
        while (!valid_utf8(label)) {
            label.pop_back();
        }
        label += "...";
    }
    return label;
}

}  // namespace jobmill::commands
