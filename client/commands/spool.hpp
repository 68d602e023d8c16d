// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>

#include "common/unique_fd.hpp"
#include "jobmill/bytes.hpp"
#include "jobmill/result.hpp"

namespace jobmill::commands {

/// Bytes in the order in which they came, until they are taken. A little stays in memory, the rest
/// goes to files without a name in $TMPDIR.
class Spool {
public:
    /// A file that has so much is not continued; its room is given back when all of it was taken.
    explicit Spool(std::uint64_t file_size) : file_size_(file_size) {}

    /// After an error the bytes are there all the same, in memory.
    [[nodiscard]] Result<void> add(ByteView bytes);
    /// Some of the oldest bytes; none when there are none at all. Valid until the next call.
    [[nodiscard]] Result<ByteView> front();
    /// Of what front() answered.
    void remove(std::size_t size);

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

private:
    struct File {
        UniqueFd fd;
        std::uint64_t size = 0;
        std::uint64_t taken = 0;
    };

    [[nodiscard]] Result<void> spill();
    [[nodiscard]] Result<void> load();

    std::uint64_t file_size_;
    std::uint64_t size_ = 0;
    Bytes oldest_;
    std::size_t removed_ = 0;  ///< of the oldest
    std::deque<File> files_;
    Bytes newest_;
};

}  // namespace jobmill::commands
