// SPDX-License-Identifier: MIT
// A blob: a large payload in a memfd, passed between processes as a descriptor. It is sealed
// against shrinking and growing, so that no reader can be killed by a vanishing page; its contents
// may still change under a reader, who copies what he validates.
#pragma once

#include <cstdint>

#include "common/unique_fd.hpp"
#include "jobmill/bytes.hpp"
#include "jobmill/result.hpp"

namespace jobmill {

/// A sealed memfd of that size, zero-filled, its pages not yet allocated.
[[nodiscard]] Result<UniqueFd> make_blob(std::uint64_t size);

/// Writes at an offset; `bytes` must fit the blob.
[[nodiscard]] Result<void> write_blob(int blob, std::uint64_t offset, ByteView bytes);

/// Reads exactly `to.size()` bytes from an offset.
[[nodiscard]] Result<void> read_blob(int blob, std::uint64_t offset, std::span<std::byte> to);

enum class MapAccess : std::uint8_t { read, write };
enum class MapPages : std::uint8_t { at_once, as_touched };

/// Maps the first `size` bytes of a blob, above 0, for munmap(). A large one has huge pages where
/// the machine has them for shared memory (`shmem_enabled`: advise).
[[nodiscard]] Result<std::span<std::byte>> map_blob(int blob, std::size_t size, MapAccess access,
                                                    MapPages pages);

/// A payload may lie in a blob that was made for a larger one: it is at the beginning, and no more
/// than so many times as much comes after it.
inline constexpr std::uint64_t widest_blob = 2;

/// Whether a blob of `room` bytes may hold a payload of `size`.
[[nodiscard]] constexpr bool blob_fits(std::uint64_t room, std::uint64_t size) noexcept
{
    return size <= room && (room - size) / (widest_blob - 1) <= size;
}

/// Refuses a descriptor that is no memfd, not sealed against shrinking and growing, or of a size
/// that does not fit the declared one.
[[nodiscard]] Result<void> check_blob(int descriptor, std::uint64_t declared_size);

}  // namespace jobmill
