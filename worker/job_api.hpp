// SPDX-License-Identifier: MIT
#pragma once

#include <jobmill/module.h>

namespace jobmill {

/// The functions that handlers call; each takes a JobRun as its jobmill_job.
[[nodiscard]] const jobmill_api& job_api() noexcept;

}  // namespace jobmill
