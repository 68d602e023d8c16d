// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "daemon/kept_blocks.hpp"
#include "jobmill/bytes.hpp"

namespace jobmill::daemon {

/// Bytes that mostly are few: those need no block of the heap.
class FewBytes {
public:
    FewBytes() = default;
    explicit FewBytes(ByteView view) { assign(view); }
    FewBytes(FewBytes&& other) noexcept
        : few_(other.few_),
          many_(std::exchange(other.many_, nullptr)),
          size_(std::exchange(other.size_, 0))
    {
    }
    FewBytes& operator=(FewBytes&& other) noexcept
    {
        if (this != &other) {
            free();
            few_ = other.few_;
            many_ = std::exchange(other.many_, nullptr);
            size_ = std::exchange(other.size_, 0);
        }
        return *this;
    }
    FewBytes(const FewBytes&) = delete;
    FewBytes& operator=(const FewBytes&) = delete;
    ~FewBytes() { free(); }

    void assign(ByteView view) { std::copy(view.begin(), view.end(), resize(view.size()).begin()); }

    [[nodiscard]] ByteView view() const noexcept
    {
        return {many_ == nullptr ? few_.data() : many_, size_};
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Room for so many, to be written.
    [[nodiscard]] std::span<std::byte> resize(std::size_t size)
    {
        free();
        if (size > few_.size()) {
            many_ = KeptBlocks::of_the_daemon().take(size);
        }
        size_ = size;
        return {many_ == nullptr ? few_.data() : many_, size};
    }

private:
    void free() noexcept
    {
        if (many_ != nullptr) {
            KeptBlocks::of_the_daemon().give_back(many_, size_);
        }
        many_ = nullptr;
        size_ = 0;
    }

    std::array<std::byte, 40> few_{};
    std::byte* many_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace jobmill::daemon
