// SPDX-License-Identifier: MIT
#include "common/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace jobmill {
namespace {

constexpr std::size_t longest_character = 4;

/// Bytes of the character that begins with this one, or 0 when none does.
std::size_t announced_size(std::uint8_t first) noexcept
{
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/// Bytes of the well-formed character that `text` begins with, or 0.
std::size_t character_size(std::string_view text) noexcept
{
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t first = byte(0);
    const std::size_t size = announced_size(first);
    if (size < 2 || size > text.size()) {
        return size > text.size() ? 0 : size;
    }
    // The second byte's range excludes overlong forms, surrogates and what is above U+10FFFF.
    const std::uint8_t lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < lowest || byte(1) > highest) {
        return 0;
    }
    for (std::size_t i = 2; i < size; ++i) {
        if ((byte(i) & 0xc0U) != 0x80U) {
            return 0;
        }
    }
    return size;
}

/// Most text is ASCII: its characters that need no look, eight at a time.
std::size_t ascii_prefix(std::string_view text) noexcept
{
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, sizeof word);
        if ((word & 0x8080808080808080U) != 0) {
            break;
        }
    }
    return at;
}

}  // namespace

std::size_t valid_utf8_prefix(std::string_view text) noexcept
{
    const std::size_t whole = text.size();
    while (!text.empty()) {
        text.remove_prefix(ascii_prefix(text));
        const std::size_t size = text.empty() ? 0 : character_size(text);
        if (size == 0) {
            break;
        }
        text.remove_prefix(size);
    }
    return whole - text.size();
}

bool valid_utf8(std::string_view text) noexcept
{
    return valid_utf8_prefix(text) == text.size();
}

std::string_view utf8_head(std::string_view text, std::size_t size) noexcept
{
    if (size >= text.size()) {
        return text;
    }
    std::size_t cut = size;
    while (cut > 0 && size - cut < 3 && (static_cast<std::uint8_t>(text[cut]) & 0xc0U) == 0x80U) {
        --cut;
    }
    return text.substr(0, cut);
}

std::string to_valid_utf8(std::string_view text)
{
    std::string valid;
    valid.reserve(text.size());
    while (!text.empty()) {
        const std::size_t size = character_size(text);
        valid += size == 0 ? std::string_view{"\xef\xbf\xbd"} : text.substr(0, size);
        text.remove_prefix(size == 0 ? 1 : size);
    }
    return valid;
}

std::string utf8_cut(std::string_view text, std::size_t size)
{
    // So much more that a character cut in two here is beyond the size.
    std::string whole = to_valid_utf8(text.substr(0, size + longest_character));
    whole.resize(utf8_head(whole, size).size());
    return whole;
}

std::string utf8_cut_front(std::string_view text, std::size_t size)
{
    const std::size_t kept = std::min(text.size(), size + longest_character);
    const std::string whole = to_valid_utf8(text.substr(text.size() - kept));
    std::size_t from = whole.size() - std::min(whole.size(), size);
    while (from < whole.size() && (static_cast<std::uint8_t>(whole[from]) & 0xc0U) == 0x80U) {
        ++from;
    }
    return whole.substr(from);
}

std::string escaped(std::string_view text)
{
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string line;
    for (const char c : to_valid_utf8(text)) {
        const auto code = static_cast<std::uint8_t>(c);
        if (c == '\n') {
            line += "\\n";
        } else if (c == '\t') {
            line += "\\t";
        } else if (code < 0x20 || code == 0x7f) {
            line += "\\x";
            line += digits[code >> 4U];
            line += digits[code & 0x0fU];
        } else {
            line += c;
        }
    }
    return line;
}

}  // namespace jobmill
