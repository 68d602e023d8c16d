// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "jobmill/bytes.hpp"
#include "jobmill/result.hpp"

namespace jobmill::commands {

/// A payload's memory: bytes that were read, or a file mapped read-only, which goes into a blob
/// without a buffer between.
class Payload {
public:
    Payload() noexcept = default;
    explicit Payload(Bytes bytes) noexcept : bytes_(std::move(bytes)) {}
    Payload(Payload&& other) noexcept;
    Payload& operator=(Payload&& other) noexcept;
    ~Payload();

    /// What a descriptor holds, from its position on: mapped if it is a file, else read to its end.
    /// Refuses more than `most` bytes.
    [[nodiscard]] static Result<Payload> from(int fd, std::uint64_t most);

    [[nodiscard]] ByteView view() const noexcept;

private:
    Bytes bytes_;
    ByteView mapped_;   ///< all of the mapping
    ByteView visible_;  ///< the part that is the payload
};

}  // namespace jobmill::commands
