// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <string_view>

#include <jobmill/handler.hpp>

namespace jobmill::handlers {

/// Throws Failure, prefixed with `who`, if the job has an argument that is none of these: whoever
/// misspelt one would take the result for that of what he meant.
void require_known(const Job& job, std::string_view who,
                   std::initializer_list<std::string_view> known);

}  // namespace jobmill::handlers
