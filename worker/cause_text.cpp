// SPDX-License-Identifier: MIT
#include "worker/cause_text.hpp"

#include <cstdint>

#include "common/limits.hpp"
#include "common/utf8.hpp"

namespace jobmill {
namespace {

/// The longest beginning of `text` of at most `most` bytes that ends between characters.
std::string_view beginning(std::string_view text, std::size_t most)
{
    if (text.size() <= most) {
        return text;
    }
    const auto continues = [&](std::size_t at) {
        return (static_cast<std::uint8_t>(text[at]) & 0xc0U) == 0x80U;
    };
    std::size_t end = most;
    while (end > 0 && most - end < 4 && continues(end)) {
        --end;
    }
    return text.substr(0, end);
}

}  // namespace

std::string cause_text(std::string_view text)
{
    // Cut twice: a malformed byte becomes three.
    std::string valid = to_valid_utf8(beginning(text, limits::cause_text));
    valid.resize(beginning(valid, limits::cause_text).size());
    return valid;
}

}  // namespace jobmill
