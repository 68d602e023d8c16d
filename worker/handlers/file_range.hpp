// SPDX-License-Identifier: MIT
// A byte range of a file, read as whole items (lines, words, bytes). An item belongs to the range
// in which its first byte lies: ranges that tile a file have each item once, wherever they are cut.
//
// Read by pread() into one buffer: as fast as a mapping, and a file that somebody cuts short is an
// error of the job instead of a SIGBUS of the worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <jobmill/handler.hpp>

#include "common/unique_fd.hpp"

namespace jobmill::handlers {

class FileRange {
public:
    /// Whether this byte ends an item; the next byte begins one.
    using Ends = bool (*)(char byte);

    /// From now on jobs may name files, which are opened with this process's rights, not with those
    /// of the client. Called before the first job, or never.
    static void allow_paths() noexcept;

    /// Whether the job names a file. Throws Failure, prefixed with `who`, if it has arguments that
    /// are unknown, or say something of a file that it does not name.
    [[nodiscard]] static bool is_named(const Job& job, const std::string& who);

    /// The job's arguments path, offset (0 without it) and length (to the end of the file without
    /// it). A range may end beyond the file. Throws Failure, prefixed with `who`.
    FileRange(const Job& job, std::string who, Ends ends);

    /// The next whole items, or none at the end. The last may lack its end. Void after the next
    /// call.
    [[nodiscard]] std::optional<std::string_view> next();

    /// Where in the file the last answer of next() begins.
    [[nodiscard]] std::uint64_t block_offset() const noexcept { return block_offset_; }
    [[nodiscard]] std::uint64_t done() const noexcept { return next_ - first_; }
    [[nodiscard]] std::uint64_t size() const noexcept { return last_ - first_; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    [[noreturn]] void fail(const std::string& text) const;
    void open();
    [[nodiscard]] std::size_t read(char* to, std::size_t size, std::uint64_t offset) const;
    /// The first beginning of an item at or after `position`.
    [[nodiscard]] std::uint64_t cut(std::uint64_t position) const;
    [[nodiscard]] std::size_t last_end(std::size_t size) const noexcept;
    void fill();

    std::string who_;
    std::string path_;
    Ends ends_;
    UniqueFd file_;
    std::uint64_t file_size_ = 0;
    std::uint64_t first_ = 0;
    std::uint64_t last_ = 0;
    std::uint64_t next_ = 0;  ///< of the file, not in the buffer yet
    std::uint64_t block_offset_ = 0;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;  ///< bytes of the buffer that were answered already
    std::size_t end_ = 0;    ///< bytes in the buffer
};

}  // namespace jobmill::handlers
