// SPDX-License-Identifier: MIT
// Little-endian numbers in and out of byte buffers. The reader never reads past its end: it turns
// bad and answers zero from then on, so a decoder checks once, at its end.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace jobmill {

static_assert(std::endian::native == std::endian::little, "the wire is little-endian");

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

[[nodiscard]] inline ByteView bytes_of(std::string_view text) noexcept
{
    return std::as_bytes(std::span{text});
}

[[nodiscard]] std::string_view text_of(ByteView bytes) noexcept;

inline void append(Bytes& to, ByteView bytes)
{
    to.insert(to.end(), bytes.begin(), bytes.end());
}
inline void append(Bytes& to, std::string_view text)
{
    append(to, bytes_of(text));
}

template <std::integral T>
void append_number(Bytes& to, T value)
{
    append(to, std::as_bytes(std::span{&value, 1}));
}

class ByteReader {
public:
    explicit ByteReader(ByteView bytes) noexcept : rest_(bytes) {}

    template <std::integral T>
    [[nodiscard]] T number() noexcept
    {
        T value{};
        if (const ByteView bytes = take(sizeof(T)); !bytes.empty()) {
            std::memcpy(&value, bytes.data(), sizeof(T));
        }
        return value;
    }

    /// The next `size` bytes, or none when fewer are left.
    [[nodiscard]] ByteView take(std::size_t size) noexcept
    {
        if (size > rest_.size()) {
            ok_ = false;
            rest_ = {};
            return {};
        }
        const ByteView taken = rest_.first(size);
        rest_ = rest_.subspan(size);
        return taken;
    }

    void skip(std::size_t size) noexcept { (void)take(size); }
    [[nodiscard]] ByteView rest() const noexcept { return rest_; }
    [[nodiscard]] bool ok() const noexcept { return ok_; }

private:
    ByteView rest_;
    bool ok_ = true;
};

}  // namespace jobmill
