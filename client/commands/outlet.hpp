// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
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

    /// From now on small pieces are gathered, 64 KiB at most, to be written together by flush().
    /// They are parts of items: a plain file that has no room for all of one ends before it, if
    /// nobody else writes there.
    void gather() noexcept { gathers_ = true; }
    /// What was put so far is whole items.
    void end_item();
    [[nodiscard]] bool between_items() const noexcept;

    /// Writes, gathers or keeps. After an error nothing is left to be written; Errc::closed: nobody
    /// reads any more.
    [[nodiscard]] Result<void> put(ByteView bytes);
    /// Writes or keeps what was gathered.
    [[nodiscard]] Result<void> flush();
    /// Writes what goes at once of what is kept.
    [[nodiscard]] Result<void> write_kept();

    [[nodiscard]] bool waits() const noexcept { return kept_.size() > 0; }
    /// Bytes that were put so far, and those of them that were written before anything was lost.
    [[nodiscard]] std::uint64_t put_size() const noexcept { return put_; }
    [[nodiscard]] std::uint64_t written_size() const noexcept
    {
        return lost_at_.value_or(written_);
    }
    /// Whether something that had been gathered, or came after it, could not be written.
    [[nodiscard]] bool lost_gathered() const noexcept { return gathers_ && lost_at_; }
    /// Whether so much is kept that nothing should be added. What is added is kept all the same.
    [[nodiscard]] bool full() const noexcept;

private:
    [[nodiscard]] std::size_t room() const;
    [[nodiscard]] Result<std::size_t> write_some(ByteView bytes);
    [[nodiscard]] Result<void> write_or_keep(ByteView bytes);
    [[nodiscard]] tl::unexpected<Error> lose(Error error);
    void count_written(std::size_t size);
    [[nodiscard]] bool take_back(std::uint64_t size);

    static constexpr std::uint64_t file_size = std::uint64_t{32} * 1024 * 1024;

    int fd_;
    UniqueFd own_;              ///< the same file, opened anew not to wait; none when it cannot be
    bool never_waits_ = false;  ///< neither it does then, nor a plain file
    bool is_file_ = false;      ///< a plain one
    bool gathers_ = false;
    Bytes gathered_;  ///< empty while something is kept
    Spool kept_{file_size};
    bool disk_full_ = false;
    std::uint64_t put_ = 0;
    std::uint64_t written_ = 0;
    std::optional<std::uint64_t> lost_at_;  ///< what had been written then
    std::uint64_t lost_ = 0;                ///< bytes of put_ that are never written
    // Of the others.
    std::deque<std::uint64_t> ends_;  ///< of items that are not all written
    std::uint64_t whole_ = 0;         ///< the end of the last one that is
    // In a plain file.
    std::int64_t place_ = 0;  ///< behind what was written last
    std::int64_t ours_ = 0;   ///< from here to there nobody else has written
};

}  // namespace jobmill::commands
