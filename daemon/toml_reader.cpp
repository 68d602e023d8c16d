// SPDX-License-Identifier: MIT
#include "daemon/toml_reader.hpp"

#include <algorithm>

#include "daemon/quantities.hpp"

namespace jobmill::daemon {
namespace {

/// A hundred years: more than anybody means, less than nanoseconds can count.
constexpr std::chrono::hours longest_duration{24 * 365 * 100};

}  // namespace

void TomlReader::complain(const toml::source_region& where, const std::string& what)
{
    if (!error_) {
        error_ = Error{Errc::invalid, file_ + ":" + std::to_string(where.begin.line) + ":" +
                                          std::to_string(where.begin.column) + ": " + what};
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

void TomlReader::text(const toml::table& table, std::string_view key,
                      std::optional<std::string>& to)
{
    if (const auto* found = value<std::string>(table, key, "a string")) {
        to = found->get();
    }
}

void TomlReader::flag(const toml::table& table, std::string_view key, std::optional<bool>& to)
{
    if (const auto* found = value<bool>(table, key, "true or false")) {
        to = found->get();
    }
}

std::optional<std::int64_t> TomlReader::number_within(const toml::table& table,
                                                      std::string_view key, std::int64_t most)
{
    const auto* found = value<std::int64_t>(table, key, "a number");
    if (found == nullptr) {
        return {};
    }
    if (found->get() < 1 || found->get() > most) {
        complain(found->source(),
                 std::string{key} + ": want a number from 1 to " + std::to_string(most));
        return {};
    }
    return found->get();
}

void TomlReader::size(const toml::table& table, std::string_view key, std::uint64_t& to,
                      std::uint64_t most)
{
    const auto* found = value<std::string>(table, key, "a size such as \"64 MiB\"");
    if (found == nullptr) {
        return;
    }
    const auto bytes = parse_size(found->get());
    if (!bytes || *bytes < 1 || *bytes > most) {
        complain(found->source(),
                 std::string{key} + ": " + (bytes ? "out of its range" : bytes.error().what));
        return;
    }
    to = *bytes;
}

void TomlReader::duration(const toml::table& table, std::string_view key,
                          std::chrono::milliseconds& to, std::chrono::milliseconds least)
{
    const auto* found = value<std::string>(table, key, "a duration such as \"5s\"");
    if (found == nullptr) {
        return;
    }
    const auto parsed = parse_duration(found->get());
    if (!parsed || *parsed < least || *parsed > longest_duration) {
        complain(found->source(),
                 std::string{key} + ": " + (parsed ? "out of its range" : parsed.error().what));
        return;
    }
    to = *parsed;
}

}  // namespace jobmill::daemon
