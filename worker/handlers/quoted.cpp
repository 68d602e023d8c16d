// SPDX-License-Identifier: MIT
#include "worker/handlers/quoted.hpp"

#include "common/utf8.hpp"

namespace jobmill::handlers {

std::string_view trimmed(std::string_view text) noexcept
{
    constexpr std::string_view space = " \t\r\n";
    const std::size_t first = text.find_first_not_of(space);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(space) - first + 1);
}

std::string quoted(std::string_view text)
{
    constexpr std::size_t longest = 80;
    const bool cut = text.size() > longest;
    return '"' + escaped(text.substr(0, longest)) + (cut ? "...\"" : "\"");
}

}  // namespace jobmill::handlers
