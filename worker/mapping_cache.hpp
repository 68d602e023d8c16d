// SPDX-License-Identifier: MIT
// Blobs that this worker has mapped lately. Who gets one of them again pays neither for the mapping
// nor for a page fault. What is kept holds the blob's memory, so it is bounded, and soon given up.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "worker/mapping.hpp"

namespace jobmill {

class MappingCache {
public:
    struct Budget {
        /// A payload and a result of 64 MiB.
        std::size_t bytes = std::size_t{128} << 20U;
        std::size_t count = 32;
        std::uint64_t age_ns = 2'000'000'000;
    };

    MappingCache() = default;
    explicit MappingCache(const Budget& budget) : budget_(budget) {}

    /// The first `size` bytes of the blob, above 0. They stay mapped until trim() or clear(). A
    /// blob is told by its inode, which nobody else can have while it is mapped.
    [[nodiscard]] Result<std::span<std::byte>> map(int descriptor, std::size_t size,
                                                   Mapping::Access access);
    /// No job uses any of them: unmaps the least recently used beyond the budget, and what was not
    /// used for so long. `now` is CLOCK_MONOTONIC in ns.
    void trim(std::uint64_t now);
    void clear() { kept_.clear(); }

    [[nodiscard]] bool empty() const noexcept { return kept_.empty(); }
    [[nodiscard]] std::size_t count() const noexcept { return kept_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept;
    /// Of those that were asked for since the last trim().
    [[nodiscard]] std::size_t fresh_bytes() const noexcept;

private:
    struct Kept {
        dev_t device = 0;
        ino_t inode = 0;
        Mapping::Access access{};
        Mapping mapping;
        std::uint64_t used_at = 0;  ///< 0: since the last trim()
    };

    Budget budget_;
    std::vector<Kept> kept_;  ///< the least recently used first
};

}  // namespace jobmill
