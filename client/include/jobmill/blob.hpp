// SPDX-License-Identifier: MIT
// Large payloads and results where they lie: in memory that clients, daemon and workers share.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "jobmill/bytes.hpp"

namespace jobmill {

struct BlobMemory;

/// Memory for a payload, to be filled and then submitted. What is in it before is an earlier
/// payload of this client's, or zeros. One that is not submitted goes back to the client's store.
class LentBlob {
public:
    LentBlob() noexcept = default;
    LentBlob(LentBlob&& other) noexcept
        : memory_(std::move(other.memory_)), bytes_(std::exchange(other.bytes_, {}))
    {
    }
    LentBlob& operator=(LentBlob&& other) noexcept
    {
        memory_ = std::move(other.memory_);
        bytes_ = std::exchange(other.bytes_, {});
        return *this;
    }
    LentBlob(const LentBlob&) = delete;
    LentBlob& operator=(const LentBlob&) = delete;
    ~LentBlob() = default;

    /// None once it was moved, as to submit().
    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

private:
    friend class BlobPool;
    friend class Conversation;
    LentBlob(std::shared_ptr<BlobMemory> memory, std::span<std::byte> bytes) noexcept
        : memory_(std::move(memory)), bytes_(bytes)
    {
    }

    std::shared_ptr<BlobMemory> memory_;
    std::span<std::byte> bytes_;
};

/// A result, to be read. With its last copy it is given back to the daemon, which then may have it
/// written anew for another job of this user's: what refers to its bytes must not outlive it.
/// Copies may be read and released in any threads, while the client goes on in its own.
class Blob {
public:
    Blob() noexcept = default;

    [[nodiscard]] ByteView bytes() const noexcept { return bytes_; }
    /// Whether it is one: a small result has none.
    explicit operator bool() const noexcept { return loan_ != nullptr; }

private:
    friend class BlobPool;
    Blob(ByteView bytes, std::shared_ptr<const void> loan) noexcept
        : bytes_(bytes), loan_(std::move(loan))
    {
    }

    ByteView bytes_;
    std::shared_ptr<const void> loan_;
};

}  // namespace jobmill
