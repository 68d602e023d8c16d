// SPDX-License-Identifier: MIT
// When a batch gives up: "now,fail=1", "soon,fail=20%".
#pragma once

#include <cstdint>
#include <string_view>

#include "jobmill/result.hpp"

namespace jobmill {

struct Halt {
    bool now = false;        ///< cancels what runs, too; else only what waits
    std::uint32_t fail = 1;  ///< so many jobs that did not succeed
    bool percent = false;    ///< `fail` is a share of the jobs that have ended

    friend bool operator==(const Halt&, const Halt&) = default;
};

[[nodiscard]] Result<Halt> parse_halt(std::string_view text);

}  // namespace jobmill
