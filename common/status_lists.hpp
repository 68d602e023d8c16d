// SPDX-License-Identifier: MIT
// The lists of a status reply. Each has a member beside it that counts what it leaves out.
#pragma once

#include <array>
#include <string_view>

#include "jobmill/value.hpp"

namespace jobmill {

struct StatusList {
    std::string_view name;
    std::string_view more;  ///< the member that counts what is not listed
};

/// Of lists of the same length, the first is shortened first.
inline constexpr auto status_lists = std::to_array<StatusList>({{"jobs", "more_jobs"},
                                                                {"poison", "more_poison"},
                                                                {"batches", "more_batches"},
                                                                {"labels", "more_labels"},
                                                                {"pools", "more_pools"}});

/// Leaves the second half of the status's longest list out, and counts it; false when there is
/// nothing to leave out.
[[nodiscard]] bool shorten_status(Value& body);

}  // namespace jobmill
