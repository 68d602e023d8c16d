// SPDX-License-Identifier: MIT
#pragma once

#include "client/demo/counts.hpp"
#include "client/demo/ngram_data.hpp"

namespace jobmill::demo {

/// What the map-reduce costs without jobmill: forked processes, each with its share of the ranges,
/// which it maps into memory and counts. No stream of results, no progress, no second chance.
[[nodiscard]] Result<Counts> count_bare(const std::vector<FileRange>& ranges,
                                        std::size_t processes);

}  // namespace jobmill::demo
