// SPDX-License-Identifier: MIT
// What a result tells of the attempts before the last one: the newest of them, in few words, so
// that a job that was tried a thousand times still ends with a frame and a line.
#pragma once

#include <span>
#include <vector>

#include "jobmill/job_state.hpp"

namespace jobmill {

/// The newest, limits::attempts at most.
[[nodiscard]] std::span<const Attempt> newest(const std::vector<Attempt>& attempts) noexcept;

/// The same attempt with each of its texts cut to limits::attempt_text bytes.
[[nodiscard]] Attempt shortened(const Attempt& attempt);

}  // namespace jobmill
