// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "jobmill/result.hpp"

namespace jobmill::commands {

/// Cuts a descriptor's bytes into items at a terminator. Reads when told to, holds one read and at
/// most one unfinished item.
class ItemReader {
public:
    /// Refuses items above `most` bytes.
    ItemReader(int fd, char terminator, std::uint64_t most)
        : fd_(fd), terminator_(terminator), most_(most)
    {
    }

    /// One read; waits if there is nothing. At the end of input, ended() is true from then on.
    [[nodiscard]] Result<void> read();

    /// The next item, without its terminator. The last one needs none.
    [[nodiscard]] std::optional<std::string> next();
    /// Whether next() would answer one.
    [[nodiscard]] bool has_item();

    [[nodiscard]] bool ended() const noexcept { return ended_; }
    /// Bytes that were read and are not an item yet.
    [[nodiscard]] std::size_t held() const noexcept { return buffer_.size() - taken_; }

private:
    int fd_;
    char terminator_;
    std::uint64_t most_;
    bool ended_ = false;
    std::string buffer_;
    std::size_t taken_ = 0;
    std::size_t searched_ = 0;  ///< up to here there is no terminator
};

}  // namespace jobmill::commands
