// SPDX-License-Identifier: MIT
#include "client/commands/placeholders.hpp"

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

struct Found {
    std::size_t size = 0;  ///< of the placeholder
    std::string value;
    bool is_item = true;  ///< {#} is none
};

std::optional<Found> placeholder_at(std::string_view text, std::string_view item,
                                    std::uint64_t item_number)
{
    if (text.starts_with("{}")) {
        return Found{2, std::string{item}, true};
    }
    if (text.starts_with("{.}")) {
        return Found{3, std::string{without_extension(item)}, true};
    }
    if (text.starts_with("{/}")) {
        return Found{3, std::string{without_directory(item)}, true};
    }
    if (text.starts_with("{#}")) {
        return Found{3, std::to_string(item_number), false};
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
