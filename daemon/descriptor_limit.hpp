// SPDX-License-Identifier: MIT
// The daemon needs more descriptors than programs usually may have; commands do not.
#pragma once

#include <cstdint>
#include <optional>

namespace jobmill::daemon {

/// As far as it goes: sessions, workers and blobs take a descriptor or three each. Workers have as
/// many, for the kernel counts what is under way in sockets for all of a user's processes, and
/// compares it with the limit of the one that sends.
void raise_descriptor_limit();

/// The limit before it was raised; none when it was not.
[[nodiscard]] std::optional<std::uint64_t> first_descriptor_limit() noexcept;

}  // namespace jobmill::daemon
