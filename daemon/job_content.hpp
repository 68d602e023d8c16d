// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "common/unique_fd.hpp"
#include "jobmill/bytes.hpp"

namespace jobmill::daemon {

/// What a job brings along: its label, its arguments and a small payload, side by side in one
/// allocation, or in none when there is nothing of them; a large payload in a blob. A queue may
/// hold a million of these, so it is as small as it can be.
class JobContent {
public:
    JobContent() = default;
    /// None longer than its limit.
    JobContent(std::string_view label, ByteView args, ByteView payload);

    /// Instead of a small payload.
    void set_blob(UniqueFd blob, std::uint64_t size);

    [[nodiscard]] std::string_view label() const;
    [[nodiscard]] ByteView args() const;
    /// The payload, if it is no blob.
    [[nodiscard]] ByteView small_payload() const;
    [[nodiscard]] const UniqueFd& blob() const noexcept { return blob_; }
    [[nodiscard]] std::uint64_t payload_size() const noexcept { return payload_size_; }

private:
    [[nodiscard]] ByteView part(std::size_t offset, std::size_t size) const
    {
        return {bytes_.get() + offset, size};
    }

    std::unique_ptr<std::byte[]> bytes_;  // NOLINT(modernize-avoid-c-arrays): a vector is 3 words
    std::uint64_t payload_size_ = 0;
    UniqueFd blob_;
    std::uint16_t args_size_ = 0;
    std::uint8_t label_size_ = 0;
};

}  // namespace jobmill::daemon
