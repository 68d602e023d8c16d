// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "jobmill/bytes.hpp"

namespace jobmill::daemon {

/// Bytes that mostly are few: those need no heap.
class FewBytes {
public:
    FewBytes() = default;
    explicit FewBytes(ByteView view) { assign(view); }

    void assign(ByteView view) { std::copy(view.begin(), view.end(), resize(view.size()).begin()); }

    [[nodiscard]] ByteView view() const noexcept
    {
        return many_.empty() ? ByteView{few_}.first(size_) : ByteView{many_};
    }
    [[nodiscard]] std::size_t size() const noexcept { return view().size(); }
    /// Room for so many, to be written.
    [[nodiscard]] std::span<std::byte> resize(std::size_t size)
    {
        many_ = Bytes(size <= few_.size() ? 0 : size);
        size_ = static_cast<std::uint8_t>(many_.empty() ? size : 0);
        return many_.empty() ? std::span{few_}.first(size_) : std::span{many_};
    }

private:
    Bytes many_;
    std::array<std::byte, 39> few_{};
    std::uint8_t size_ = 0;  ///< of the few
};

}  // namespace jobmill::daemon
