// SPDX-License-Identifier: MIT
// The same map-reduce by Python's own means and by jobmill, as programs measured from outside.
#pragma once

#include <string>
#include <vector>

#include "jobmill/client.hpp"
#include "jobmill/result.hpp"

namespace jobmill::demo {

/// Runs both in turn and prints a table. False when their answers differ. Leaves no process.
[[nodiscard]] Result<bool> compare(const std::vector<std::string>& files);

/// jobmill's side: counts, and prints for compare() what it saw. With `chaos`, a worker is killed.
[[nodiscard]] Result<bool> contend(Client& client, const std::vector<std::string>& files,
                                   bool chaos);

}  // namespace jobmill::demo
