// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>

#include "client/commands/spool.hpp"
#include "common/unique_fd.hpp"

namespace jobmill::commands {

/// A file, pipe or terminal that is written without ever waiting for its reader: what he does not
/// take is kept.
class Outlet {
public:
    /// Borrows the descriptor, whose flags it leaves alone: others may have it too.
    explicit Outlet(int fd);

    [[nodiscard]] int fd() const noexcept { return fd_; }

    /// Writes or keeps. After an error nothing is kept; Errc::closed: nobody reads any more.
    [[nodiscard]] Result<void> put(ByteView bytes);
    /// Writes what goes at once of what is kept.
    [[nodiscard]] Result<void> write_kept();

    [[nodiscard]] bool waits() const noexcept { return kept_.size() > 0; }
    /// Whether so much is kept that nothing should be added. What is added is kept all the same.
    [[nodiscard]] bool full() const noexcept;

private:
    [[nodiscard]] std::size_t room() const;
    [[nodiscard]] Result<std::size_t> write_some(ByteView bytes);

    static constexpr std::uint64_t file_size = std::uint64_t{32} * 1024 * 1024;

    int fd_;
    UniqueFd own_;              ///< the same file, opened anew not to wait; none when it cannot be
    bool never_waits_ = false;  ///< neither it does then, nor a plain file
    Spool kept_{file_size};
    bool disk_full_ = false;
};

}  // namespace jobmill::commands
