// SPDX-License-Identifier: MIT
// Which CPUs a job may run on: "0,2-3".
#pragma once

#include <cstdint>
#include <string_view>

#include "jobmill/result.hpp"

namespace jobmill {

/// A bit for each CPU of the list, 0 to 63; never 0.
[[nodiscard]] Result<std::uint64_t> parse_cpu_list(std::string_view text);

}  // namespace jobmill
