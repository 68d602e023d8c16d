// SPDX-License-Identifier: MIT
// The options of a submit as members of its object. For common/json_*.cpp alone.
#pragma once

#include <span>
#include <string_view>

#include "common/json_members.hpp"
#include "common/option_table.hpp"

namespace jobmill::json {

[[nodiscard]] Decoded<options::Number> take_number(const Element& value,
                                                   const options::Range& range);

/// Whether the member is an option that a job has wherever it is submitted from; `args` is not.
[[nodiscard]] Decoded<bool> take_option(std::string_view key, const Element& value,
                                        SubmitOptions& options);

/// The refusal of a member that is neither an option nor one of `others`.
[[nodiscard, gnu::cold]] Refusal unknown_option(std::string_view key,
                                                std::span<const std::string_view> others);

/// What no member can say by itself.
[[nodiscard]] Decoded<void> check_options(const SubmitOptions& options);

}  // namespace jobmill::json
