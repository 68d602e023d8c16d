// SPDX-License-Identifier: MIT
#include "daemon/toml_reader.hpp"

#include <algorithm>

#include "common/quantities.hpp"
#include "jobmill/job_options.hpp"

namespace jobmill::daemon {
namespace {

/// Ten years, as on the wire.
constexpr std::chrono::hours longest_of_a_job{24 * 365 * 10};

constexpr std::int64_t most_counted = 1'000'000'000;
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 50U;
constexpr std::string_view unlimited_word = "unlimited";

}  // namespace

std::string TomlReader::place(const toml::source_region& where) const
{
    return file_ + ":" + std::to_string(where.begin.line) + ":" +
           std::to_string(where.begin.column);
}

void TomlReader::complain(const toml::source_region& where, const std::string& what)
{
    if (!error_) {
        error_ = Error{Errc::invalid, place(where) + ": " + what};
    }
}

void TomlReader::known_keys(const toml::table& table, const std::string& of,
                            std::initializer_list<std::string_view> names)
{
    for (const auto& [key, value] : table) {
        if (std::find(names.begin(), names.end(), key.str()) == names.end()) {
            complain(key.source(), "unknown key \"" + std::string{key.str()} + "\" in " + of);
        }
    }
}

bool TomlReader::is_plain(const toml::value<std::string>& text, std::string_view key)
{
    const bool plain = text.get().find('\0') == std::string::npos;
    if (!plain) {
        complain(text.source(), std::string{key} + ": a zero byte");
    }
    return plain;
}

void TomlReader::text(const toml::table& table, std::string_view key,
                      std::optional<std::string>& to)
{
    if (const auto* found = value<std::string>(table, key, "a string")) {
        to = found->get();
    }
}

void TomlReader::text(const toml::table& table, std::string_view key,
                      std::optional<std::string>& to, Result<void> (*judge)(const std::string&))
{
    const auto* found = value<std::string>(table, key, "a string");
    if (found == nullptr) {
        return;
    }
    if (const auto judged = judge(found->get()); !judged) {
        complain(found->source(), std::string{key} + ": " + judged.error().what);
    }
    to = found->get();
}

void TomlReader::flag(const toml::table& table, std::string_view key, std::optional<bool>& to)
{
    if (const auto* found = value<bool>(table, key, "true or false")) {
        to = found->get();
    }
}

std::optional<std::int64_t> TomlReader::number_within(const toml::table& table,
                                                      std::string_view key, const Range& range)
{
    const std::string want = "a number from " + std::to_string(range.least) + " to " +
                             std::to_string(range.most) +
                             (range.word.empty() ? "" : " or \"" + std::string{range.word} + "\"");
    const auto* found = value<std::int64_t>(table, key, want.c_str());
    if (found == nullptr) {
        return {};
    }
    if (found->get() < range.least || found->get() > range.most) {
        complain(found->source(), std::string{key} + ": want " + want);
        return {};
    }
    return found->get();
}

void TomlReader::size(const toml::table& table, std::string_view key, std::uint64_t& to,
                      std::uint64_t most)
{
    const std::string want = "a size such as \"64 MiB\", 1 byte to " + size_text(most);
    const auto* found = value<std::string>(table, key, want.c_str());
    if (found == nullptr) {
        return;
    }
    const auto bytes = parse_size(found->get());
    if (!bytes || *bytes < 1 || *bytes > most) {
        complain(found->source(), std::string{key} + ": \"" + found->get() + "\": want " + want);
        return;
    }
    to = *bytes;
}

void TomlReader::duration(const toml::table& table, std::string_view key,
                          std::chrono::milliseconds& to, std::chrono::milliseconds least,
                          std::chrono::milliseconds most)
{
    const std::string want =
        "a duration such as \"5s\", " + duration_text(least) + " to " + duration_text(most);
    const auto* found = value<std::string>(table, key, want.c_str());
    if (found == nullptr) {
        return;
    }
    const auto parsed = parse_duration(found->get());
    if (!parsed || *parsed < least || *parsed > most) {
        complain(found->source(), std::string{key} + ": \"" + found->get() + "\": want " + want);
        return;
    }
    to = *parsed;
}

bool TomlReader::is_word(const toml::table& table, std::string_view key, std::string_view word)
{
    const toml::node* node = table.get(key);
    const auto* text = node == nullptr ? nullptr : node->as_string();
    return text != nullptr && text->get() == word;
}

void TomlReader::bound(const toml::table& table, std::string_view key, std::uint64_t& to)
{
    if (is_word(table, key, unlimited_word)) {
        to = unlimited;
    } else if (const auto found =
                   number_within(table, key, {.most = most_counted, .word = unlimited_word})) {
        to = static_cast<std::uint64_t>(*found);
    }
}

void TomlReader::bound(const toml::table& table, std::string_view key,
                       std::optional<std::uint64_t>& to)
{
    if (table.contains(key)) {
        std::uint64_t found = unlimited;
        bound(table, key, found);
        to = found;
    }
}

void TomlReader::size_or(const toml::table& table, std::string_view key, std::string_view word,
                         std::optional<std::uint64_t>& to)
{
    if (is_word(table, key, word)) {
        to.reset();
        return;
    }
    const std::string want = "a size such as \"64 MiB\", or \"" + std::string{word} + "\"";
    const auto* found = value<std::string>(table, key, want.c_str());
    if (found == nullptr) {
        return;
    }
    const auto bytes = parse_size(found->get());
    if (!bytes) {
        complain(found->source(), std::string{key} + ": \"" + found->get() + "\": want " + want);
    } else if (*bytes < 1 || *bytes > most_bytes) {
        complain(found->source(),
                 std::string{key} + ": want 1 byte to 1024 TiB, or \"" + std::string{word} + "\"");
    } else {
        to = *bytes;
    }
}

void TomlReader::size_bound(const toml::table& table, std::string_view key, std::uint64_t& to)
{
    if (table.contains(key)) {
        std::optional<std::uint64_t> found;
        size_or(table, key, unlimited_word, found);
        to = found.value_or(unlimited);
    }
}

void TomlReader::duration_or(const toml::table& table, std::string_view key, std::string_view word,
                             std::optional<std::chrono::milliseconds>& to)
{
    if (is_word(table, key, word)) {
        to.reset();
        return;
    }
    const std::string want = "a duration such as \"5s\", or \"" + std::string{word} + "\"";
    const auto* found = value<std::string>(table, key, want.c_str());
    if (found == nullptr) {
        return;
    }
    const auto parsed = parse_duration(found->get());
    if (!parsed) {
        complain(found->source(), std::string{key} + ": \"" + found->get() + "\": want " + want);
    } else if (*parsed <= std::chrono::milliseconds{0} || *parsed > longest_of_a_job) {
        complain(found->source(), std::string{key} +
                                      ": want more than 0 and at most 87600h, or \"" +
                                      std::string{word} + "\"");
    } else {
        to = *parsed;
    }
}

std::optional<std::chrono::microseconds> TomlReader::spin_time(const toml::table& table,
                                                               const char* want)
{
    constexpr std::chrono::microseconds most{1000};
    if (is_word(table, "spin", "none")) {
        return std::chrono::microseconds{0};
    }
    const auto* found = value<std::string>(table, "spin", want);
    if (found == nullptr) {
        return {};
    }
    const auto parsed = parse_short_duration(found->get());
    if (!parsed || *parsed == std::chrono::microseconds{0} || *parsed > most) {
        complain(found->source(), "spin: \"" + found->get() + "\": want " + want);
        return {};
    }
    return *parsed;
}

void TomlReader::spin(const toml::table& table, std::chrono::microseconds& to)
{
    to = spin_time(table, R"(from "1us" to "1ms", or "none")").value_or(to);
}

void TomlReader::spin(const toml::table& table, std::optional<std::chrono::microseconds>& to)
{
    if (is_word(table, "spin", "auto")) {
        to.reset();
    } else if (const auto time = spin_time(table, R"(from "1us" to "1ms", "none", or "auto")")) {
        to = time;
    }
}

}  // namespace jobmill::daemon
