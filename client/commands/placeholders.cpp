// SPDX-License-Identifier: MIT
#include "client/commands/placeholders.hpp"

#include <array>
#include <optional>

namespace jobmill::commands {
namespace {

std::string_view without_directory(std::string_view item)
{
    const std::size_t slash = item.rfind('/');
    return slash == std::string_view::npos ? item : item.substr(slash + 1);
}

/// A leading dot makes a hidden file, not an extension.
std::string_view without_extension(std::string_view item)
{
    const std::string_view name = without_directory(item);
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0) {
        return item;
    }
    return item.substr(0, item.size() - (name.size() - dot));
}

/// As dirname(1) has it of a name without slashes at its end.
std::string_view directory_of(std::string_view item)
{
    const std::size_t slash = item.rfind('/');
    if (slash == std::string_view::npos) {
        return ".";
    }
    const std::size_t end = item.find_last_not_of('/', slash);
    return end == std::string_view::npos ? "/" : item.substr(0, end + 1);
}

std::string_view bare_name(std::string_view item)
{
    return without_directory(without_extension(item));
}

struct Placeholder {
    std::string_view text;
    std::string_view (*part)(std::string_view item);
};

/// Each stands for a part of the item.
constexpr std::array<Placeholder, 5> item_placeholders{
    {{"{}", [](std::string_view item) { return item; }},
     {"{.}", without_extension},
     {"{/}", without_directory},
     {"{//}", directory_of},
     {"{/.}", bare_name}}};
constexpr std::string_view number_placeholder = "{#}";

struct Found {
    std::size_t size = 0;  ///< of the placeholder
    std::string value;
    bool is_item = true;
};

std::optional<Found> placeholder_at(std::string_view text, std::string_view item,
                                    std::uint64_t item_number)
{
    for (const Placeholder& each : item_placeholders) {
        if (text.starts_with(each.text)) {
            return Found{each.text.size(), std::string{each.part(item)}, true};
        }
    }
    if (text.starts_with(number_placeholder)) {
        return Found{number_placeholder.size(), std::to_string(item_number), false};
    }
    return {};
}

struct Filled {
    std::vector<std::string> words;
    bool has_item = false;
};

Filled fill_words(std::span<const std::string> pattern, std::string_view item,
                  std::uint64_t item_number, bool quote)
{
    Filled filled;
    for (const std::string& word : pattern) {
        std::string to;
        for (std::size_t i = 0; i < word.size();) {
            const auto found = placeholder_at(std::string_view{word}.substr(i), item, item_number);
            if (!found) {
                to += word[i++];
                continue;
            }
            to += quote && found->is_item ? quoted(found->value) : found->value;
            filled.has_item = filled.has_item || found->is_item;
            i += found->size;
        }
        filled.words.push_back(std::move(to));
    }
    return filled;
}

}  // namespace

std::vector<std::string> fill(std::span<const std::string> pattern, std::string_view item,
                              std::uint64_t item_number)
{
    Filled filled = fill_words(pattern, item, item_number, false);
    if (!filled.has_item) {
        filled.words.emplace_back(item);
    }
    return std::move(filled.words);
}

std::string fill_for_shell(std::span<const std::string> pattern, std::string_view item,
                           std::uint64_t item_number)
{
    Filled filled = fill_words(pattern, item, item_number, true);
    if (!filled.has_item) {
        filled.words.push_back(quoted(item));
    }
    return joined(filled.words);
}

std::string quoted(std::string_view text)
{
    std::string to = "'";
    for (const char c : text) {
        if (c == '\'') {
            to += "'\\''";
        } else {
            to += c;
        }
    }
    return to + "'";
}

std::string joined(std::span<const std::string> words)
{
    std::string line;
    for (const std::string& word : words) {
        line += line.empty() ? "" : " ";
        line += word;
    }
    return line;
}

std::vector<std::string> shell_words(std::string text)
{
    return {"/bin/sh", "-c", std::move(text)};
}

}  // namespace jobmill::commands
