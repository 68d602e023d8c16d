// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace jobmill {

/// The text up to `end`, which is taken off with it; all of it when there is no `end`.
inline std::string_view take_until(std::string_view& rest, char end)
{
    const std::size_t at = rest.find(end);
    const std::string_view taken = rest.substr(0, at);
    rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
    return taken;
}

}  // namespace jobmill
