// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <future>
#include <optional>
#include <string>

#include "jobmill/ids.hpp"
#include "jobmill/result.hpp"

namespace jobmill::daemon {

/// Hands out job numbers that are never reused, across restarts and crashes either: blocks of them
/// are reserved in a file before they are used. Daemons that share the directory share the numbers.
/// A disk may take seconds: the next block is reserved by a thread of its own while the one in use
/// lasts.
class JobIds {
public:
    /// Where the directory cannot be written for want of room, that is said, and numbers go on from
    /// what it holds.
    [[nodiscard]] static Result<JobIds> open(const std::string& directory);

    /// Waits for the disk only when no number is left.
    [[nodiscard]] JobId next()
    {
        if (next_ == end_) {
            begin_block();
        }
        const JobId id{next_++};
        if (next_ == reserve_at_) {
            reserve_ahead();
        }
        return id;
    }
    /// The rest of what was reserved may be used by the next daemon.
    void close();

    /// Blocks grow from this while jobs come fast, so that writing the file never matters.
    static constexpr std::uint64_t first_block = std::uint64_t{1} << 14U;
    static constexpr std::uint64_t largest_block = std::uint64_t{1} << 20U;

private:
    struct Block {
        std::uint64_t first = 0;
        std::uint64_t end = 0;
    };

    explicit JobIds(std::string file) : file_(std::move(file)) {}
    [[nodiscard]] static Result<Block> reserve(const std::string& file, std::uint64_t at_least,
                                               std::uint64_t count, int lock_tries);
    void use(const Block& block);
    void begin_block();
    void reserve_ahead();
    [[nodiscard]] std::optional<Block> take_ahead();
    [[nodiscard]] Result<void> give_back();

    std::string file_;
    std::uint64_t next_ = 0;
    std::uint64_t end_ = 0;
    std::uint64_t reserve_at_ = 0;  ///< when this is the next number
    std::uint64_t block_ = first_block;
    std::future<Result<Block>> ahead_;  ///< the block behind this one, when it was asked for
};

}  // namespace jobmill::daemon
