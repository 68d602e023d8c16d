// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>

namespace jobmill::daemon {

/// Blocks of the heap for what comes and goes with each job: those that were given back last serve
/// again. Only so many bytes of them stay; what a burst took goes back to the heap at once.
class KeptBlocks {
public:
    /// A larger block is not kept: to copy what is in it takes longer than malloc does.
    static constexpr std::size_t largest = 4096;
    /// Enough for a window of 1,000 jobs with some hundred bytes each.
    static constexpr std::size_t most = std::size_t{1} << 20U;

    /// For the loop's thread alone.
    [[nodiscard]] static KeptBlocks& of_the_daemon();

    KeptBlocks() = default;
    KeptBlocks(const KeptBlocks&) = delete;
    KeptBlocks& operator=(const KeptBlocks&) = delete;
    ~KeptBlocks();

    [[nodiscard]] std::byte* take(std::size_t size);
    /// `size` as it was taken.
    void give_back(std::byte* block, std::size_t size) noexcept;

    /// Bytes of the blocks that wait; for tests.
    [[nodiscard]] std::size_t kept() const noexcept { return kept_; }

private:
    /// What stands in a block that waits.
    struct Waiting {
        Waiting* next;
    };
    /// malloc's own steps: blocks of one of them are alike to it, so none is larger than it was.
    static constexpr std::size_t step = 16;
    static constexpr std::size_t overhead = 8;
    static constexpr std::size_t ranks = (largest + overhead + step - 1) / step + 1;

    [[nodiscard]] static constexpr std::size_t rank_of(std::size_t size) noexcept
    {
        return (size + overhead + step - 1) / step;
    }
    [[nodiscard]] static constexpr std::size_t size_of(std::size_t rank) noexcept
    {
        return rank * step - overhead;
    }
    void free_one() noexcept;

    std::array<Waiting*, ranks> waiting_{};  ///< by their ranks
    std::size_t kept_ = 0;
    std::size_t next_to_free_ = 0;  ///< a rank
};

}  // namespace jobmill::daemon
