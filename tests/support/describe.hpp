// SPDX-License-Identifier: MIT
// Events and effects as text, for failing tests and traces.
#pragma once

#include <ostream>
#include <string>

#include "daemon/core/effect.hpp"
#include "daemon/core/event.hpp"

namespace jobmill::core {

[[nodiscard]] std::string text_of(const Event& event);
[[nodiscard]] std::string text_of(const Effect& effect);
[[nodiscard]] std::string text_of(const Effects& effects);

inline std::ostream& operator<<(std::ostream& out, const Effects& effects)
{
    return out << text_of(effects);
}

}  // namespace jobmill::core
