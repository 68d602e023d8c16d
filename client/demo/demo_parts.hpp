// SPDX-License-Identifier: MIT
// The parts of `jobmill demo`. Each prints what it found; false when that was not as it should be.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jobmill/client.hpp"
#include "jobmill/result.hpp"

namespace jobmill::demo {

/// Two sums, the long one first: the short one is back first.
[[nodiscard]] Result<bool> sums(Client& client);

/// The same from Python's asyncio, whose loop goes on ticking meanwhile. Nothing without python3.
void asyncio_sums(const std::string& socket);

/// Words of the text files of this machine, a job a file.
[[nodiscard]] Result<bool> words(Client& client, std::uint64_t most_files);

/// Counts of 1-grams, a job a byte range; beside it, bare processes without jobmill. With `chaos`,
/// a busy worker is killed in mid-run.
[[nodiscard]] Result<bool> ngrams(Client& client, const std::vector<std::string>& files,
                                  bool chaos);

/// An event, or an Error with Errc::closed when an interrupt came.
[[nodiscard]] Result<ClientEvent> next_or_stop(Client& client);

void print(const std::string& line);

}  // namespace jobmill::demo
