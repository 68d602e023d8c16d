// SPDX-License-Identifier: MIT
// MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md): a writer that appends to a
// buffer, a reader that pulls one item after another out of hostile bytes without allocating.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "jobmill/bytes.hpp"
#include "jobmill/result.hpp"
#include "jobmill/value.hpp"

namespace jobmill::msgpack {

class Writer {
public:
    explicit Writer(Bytes& to) noexcept : to_(to) {}

    void nil();
    void boolean(bool value);
    void integer(std::int64_t value);
    void unsigned_integer(std::uint64_t value);
    void real(double value);
    void text(std::string_view value);
    void array(std::uint32_t size);
    void map(std::uint32_t size);
    void value(const Value& value);

private:
    void head(std::uint8_t code);
    template <typename T>
    void head_and_number(std::uint8_t code, T number);

    Bytes& to_;
};

enum class Kind : std::uint8_t { nil, boolean, integer, real, text, binary, array, map, invalid };

/// Each taking call answers none when the next item is of another type, malformed, or cut short;
/// the reader then stays where it was.
class Reader {
public:
    explicit Reader(ByteView bytes) noexcept : rest_(bytes) {}

    [[nodiscard]] Kind peek() const noexcept;
    [[nodiscard]] std::optional<bool> boolean() noexcept;
    [[nodiscard]] std::optional<std::int64_t> integer() noexcept;
    [[nodiscard]] std::optional<double> real() noexcept;
    /// Borrowed from the bytes; not checked to be UTF-8.
    [[nodiscard]] std::optional<std::string_view> text() noexcept;
    [[nodiscard]] std::optional<std::uint32_t> array() noexcept;
    [[nodiscard]] std::optional<std::uint32_t> map() noexcept;

    /// Passes over one whole item and answers its bytes; iterative, so depth costs nothing.
    [[nodiscard]] std::optional<ByteView> skip() noexcept;

    [[nodiscard]] ByteView rest() const noexcept { return rest_; }
    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

private:
    struct Item;
    [[nodiscard]] Item next() const noexcept;
    [[nodiscard]] static Item wide_item(std::uint8_t code, ByteView after) noexcept;
    void advance(std::size_t size) noexcept { rest_ = rest_.subspan(size); }

    ByteView rest_;
};

/// One whole document. Refuses nesting above limits::depth, keys that are not text, what follows
/// after the document, and text that is not UTF-8. Errc::exhausted: it was nested too deep.
[[nodiscard]] Result<Value> decode(ByteView bytes);

}  // namespace jobmill::msgpack
