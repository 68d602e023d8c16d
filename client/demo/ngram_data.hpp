// SPDX-License-Identifier: MIT
// Data in the format of Google Books 1-grams: lines "ngram TAB year TAB match_count TAB
// volume_count", sorted by ngram and year.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jobmill/result.hpp"

namespace jobmill::demo {

/// Three generated files of 151 MB in all, the same on every machine; kept in the cache directory.
[[nodiscard]] Result<std::vector<std::string>> ngram_files();

/// A part of a file; a line belongs to the range in which it begins.
struct FileRange {
    std::string path;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

/// Ranges that tile the files, of about `length` bytes each.
[[nodiscard]] Result<std::vector<FileRange>> ranges_of(const std::vector<std::string>& files,
                                                       std::uint64_t length);

}  // namespace jobmill::demo
