// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "common/unique_fd.hpp"
#include "jobmill/bytes.hpp"

namespace jobmill::daemon {

/// What a job brings along: its label, its arguments and a small payload side by side, in one
/// allocation, or in none when they are a few bytes together; a large payload in a blob. A queue
/// may hold a million of these, so it is as small as it can be.
class JobContent {
public:
    JobContent() = default;
    /// None longer than its limit.
    JobContent(std::string_view label, ByteView args, ByteView payload);
    JobContent(JobContent&& other) noexcept { swap(other); }
    JobContent& operator=(JobContent&& other) noexcept
    {
        swap(other);
        return *this;
    }
    JobContent(const JobContent&) = delete;
    JobContent& operator=(const JobContent&) = delete;
    ~JobContent();

    /// Instead of a small payload.
    void set_blob(UniqueFd blob, std::uint64_t size);
    /// The blob is one that many may have; `account` is what counts it, once for all of them, and
    /// lives as long as it does.
    void make_shared(std::shared_ptr<void> account);
    /// The other's blob, which is a shared one, instead of a small payload.
    void share_blob(const JobContent& other);
    [[nodiscard]] bool is_shared() const noexcept { return is_blob_ && payload_.blob->shared; }

    [[nodiscard]] std::string_view label() const;
    [[nodiscard]] ByteView args() const;
    /// The payload, if it is no blob.
    [[nodiscard]] ByteView small_payload() const;
    /// None if it is a small one.
    [[nodiscard]] const UniqueFd& blob() const noexcept;
    /// Bytes of what a worker is sent of it, a blob aside.
    [[nodiscard]] std::uint32_t sent_size() const noexcept
    {
        return static_cast<std::uint32_t>(stored_size() - label_size_);
    }
    [[nodiscard]] std::uint64_t payload_size() const noexcept
    {
        return is_blob_ ? payload_.blob->size : payload_.small_size;
    }

private:
    using Few = std::array<std::byte, 8>;
    union Stored {
        Few few{};
        std::byte* many;
    };

    struct Blob {
        UniqueFd descriptor;
        std::uint64_t size = 0;
        std::uint32_t holders = 1;
        bool shared = false;
        std::shared_ptr<void> account{};
    };
    union PayloadPlace {
        std::uint64_t small_size = 0;
        Blob* blob;
    };

    void swap(JobContent& other) noexcept;
    [[nodiscard]] std::size_t stored_size() const noexcept
    {
        return std::size_t{label_size_} + args_size_ + (is_blob_ ? 0 : payload_.small_size);
    }
    [[nodiscard]] bool are_few() const noexcept { return stored_size() <= Few{}.size(); }
    [[nodiscard]] ByteView part(std::size_t offset, std::size_t size) const;

    Stored stored_;  ///< which of them, its size tells
    PayloadPlace payload_;
    std::uint16_t args_size_ = 0;
    std::uint8_t label_size_ = 0;
    bool is_blob_ = false;  ///< its payload
};

}  // namespace jobmill::daemon
