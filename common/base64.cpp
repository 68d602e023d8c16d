// SPDX-License-Identifier: MIT
#include "common/base64.hpp"

#include <array>

namespace jobmill::base64 {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xff;

constexpr auto digit_of = [] {
    std::array<std::uint8_t, 256> table{};
    table.fill(no_digit);
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        table[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return table;
}();

}  // namespace

void encode(ByteView bytes, Bytes& to)
{
    const auto at = [&](std::size_t i) {
        return i < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i]) : 0U;
    };
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::uint32_t group = at(i) << 16U | at(i + 1) << 8U | at(i + 2);
        const auto digit = [&](unsigned shift) {
            return static_cast<std::byte>(alphabet[group >> shift & 0x3fU]);
        };
        to.push_back(digit(18));
        to.push_back(digit(12));
        to.push_back(i + 1 < bytes.size() ? digit(6) : std::byte{'='});
        to.push_back(i + 2 < bytes.size() ? digit(0) : std::byte{'='});
    }
}

std::optional<Bytes> decode(std::string_view text)
{
    if (text.size() % 4 != 0) {
        return {};
    }
    std::size_t padding = 0;
    while (padding < 2 && text.ends_with('=')) {
        text.remove_suffix(1);
        ++padding;
    }
    Bytes bytes;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t group = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const std::uint8_t digit = digit_of[static_cast<std::uint8_t>(c)];
        if (digit == no_digit) {
            return {};
        }
        group = group << 6U | digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes.push_back(static_cast<std::byte>(group >> bits & 0xffU));
        }
    }
    const bool stray_bits = (group & ((1U << bits) - 1U)) != 0;
    if (stray_bits || bits != padding * 2) {
        return {};
    }
    return bytes;
}

}  // namespace jobmill::base64
