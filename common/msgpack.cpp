// SPDX-License-Identifier: MIT
#include "common/msgpack.hpp"

#include <bit>
#include <limits>

#include "common/limits.hpp"
#include "common/utf8.hpp"

namespace jobmill::msgpack {
namespace {

template <typename T>
T big_endian(T value)
{
    T swapped{};
    const auto from = std::as_bytes(std::span{&value, 1});
    const auto to = std::as_writable_bytes(std::span{&swapped, 1});
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        to[i] = from[sizeof(T) - 1 - i];
    }
    return swapped;
}

}  // namespace

void Writer::head(std::uint8_t code)
{
    to_.push_back(std::byte{code});
}

template <typename T>
void Writer::head_and_number(std::uint8_t code, T number)
{
    head(code);
    append_number(to_, big_endian(number));
}

void Writer::nil()
{
    head(0xc0);
}
void Writer::boolean(bool value)
{
    head(value ? 0xc3 : 0xc2);
}

void Writer::unsigned_integer(std::uint64_t value)
{
    if (value < 0x80) {
        head(static_cast<std::uint8_t>(value));
    } else if (value <= std::numeric_limits<std::uint8_t>::max()) {
        head_and_number(0xcc, static_cast<std::uint8_t>(value));
    } else if (value <= std::numeric_limits<std::uint16_t>::max()) {
        head_and_number(0xcd, static_cast<std::uint16_t>(value));
    } else if (value <= std::numeric_limits<std::uint32_t>::max()) {
        head_and_number(0xce, static_cast<std::uint32_t>(value));
    } else {
        head_and_number(0xcf, value);
    }
}

void Writer::integer(std::int64_t value)
{
    if (value >= 0) {
        unsigned_integer(static_cast<std::uint64_t>(value));
    } else if (value >= -32) {
        head(static_cast<std::uint8_t>(value));
    } else {
        head_and_number(0xd3, value);
    }
}

void Writer::real(double value)
{
    head_and_number(0xcb, std::bit_cast<std::uint64_t>(value));
}

void Writer::text(std::string_view value)
{
    if (value.size() < 32) {
        head(static_cast<std::uint8_t>(0xa0U | value.size()));
    } else if (value.size() <= std::numeric_limits<std::uint16_t>::max()) {
        head_and_number(0xda, static_cast<std::uint16_t>(value.size()));
    } else {
        head_and_number(0xdb, static_cast<std::uint32_t>(value.size()));
    }
    append(to_, value);
}

void Writer::array(std::uint32_t size)
{
    if (size < 16) {
        head(static_cast<std::uint8_t>(0x90U | size));
    } else {
        head_and_number(0xdd, size);
    }
}

void Writer::map(std::uint32_t size)
{
    if (size < 16) {
        head(static_cast<std::uint8_t>(0x80U | size));
    } else {
        head_and_number(0xdf, size);
    }
}

// Recursive: as deep as the document that our own code built
void Writer::value(const Value& value)
{
    if (const Array* items = value.array()) {
        array(static_cast<std::uint32_t>(items->size()));
        for (const Value& item : *items) {
            this->value(item);
        }
    } else if (const Map* members = value.map()) {
        map(static_cast<std::uint32_t>(members->size()));
        for (const auto& [key, member] : *members) {
            text(key);
            this->value(member);
        }
    } else if (const std::string* words = value.text()) {
        text(*words);
    } else if (const std::int64_t* number = value.integer()) {
        integer(*number);
    } else if (const auto* fraction = std::get_if<double>(&value)) {
        real(*fraction);
    } else if (const auto* truth = std::get_if<bool>(&value)) {
        boolean(*truth);
    } else if (const auto* large = std::get_if<LargeInteger>(&value)) {
        real(static_cast<double>(large->number));  // readers here know no such integer
    } else {
        nil();
    }
}

/// The next item: its kind, the size of its head, and what the head says.
struct Reader::Item {
    Kind kind = Kind::invalid;
    std::size_t head = 0;      ///< bytes before its content
    std::uint64_t number = 0;  ///< an integer's or real's bits, or the count of what follows
};

/// An item whose code is followed by a number: itself, or the count of what comes.
Reader::Item Reader::wide_item(std::uint8_t code, ByteView after) noexcept
{
    const auto with_number = [&]<typename T>(Kind kind, T) -> Item {
        ByteReader reader{after};
        const T number = big_endian(reader.number<T>());
        // Signed ones are extended with their sign.
        return reader.ok() ? Item{kind, 1 + sizeof(T), static_cast<std::uint64_t>(number)} : Item{};
    };
    // clang-format off
    switch (code) {
        case 0xc4: return with_number(Kind::binary, std::uint8_t{});
        case 0xc5: return with_number(Kind::binary, std::uint16_t{});
        case 0xc6: return with_number(Kind::binary, std::uint32_t{});
        case 0xcb: return with_number(Kind::real, std::uint64_t{});
        case 0xcc: return with_number(Kind::integer, std::uint8_t{});
        case 0xcd: return with_number(Kind::integer, std::uint16_t{});
        case 0xce: return with_number(Kind::integer, std::uint32_t{});
        case 0xcf: return with_number(Kind::integer, std::uint64_t{});
        case 0xd0: return with_number(Kind::integer, std::int8_t{});
        case 0xd1: return with_number(Kind::integer, std::int16_t{});
        case 0xd2: return with_number(Kind::integer, std::int32_t{});
        case 0xd3: return with_number(Kind::integer, std::int64_t{});
        case 0xd9: return with_number(Kind::text, std::uint8_t{});
        case 0xda: return with_number(Kind::text, std::uint16_t{});
        case 0xdb: return with_number(Kind::text, std::uint32_t{});
        case 0xdc: return with_number(Kind::array, std::uint16_t{});
        case 0xdd: return with_number(Kind::array, std::uint32_t{});
        case 0xde: return with_number(Kind::map, std::uint16_t{});
        case 0xdf: return with_number(Kind::map, std::uint32_t{});
        default: return {};  // extensions and 32-bit reals: not used here
    }
    // clang-format on
}

Reader::Item Reader::next() const noexcept
{
    if (rest_.empty()) {
        return {};
    }
    const auto code = std::to_integer<std::uint8_t>(rest_[0]);
    if (code < 0x80) {
        return {Kind::integer, 1, code};
    }
    if (code < 0x90) {
        return {Kind::map, 1, code & 0x0fU};
    }
    if (code < 0xa0) {
        return {Kind::array, 1, code & 0x0fU};
    }
    if (code < 0xc0) {
        return {Kind::text, 1, code & 0x1fU};
    }
    if (code >= 0xe0) {
        return {Kind::integer, 1, static_cast<std::uint64_t>(static_cast<std::int8_t>(code))};
    }
    if (code == 0xc0) {
        return {Kind::nil, 1, 0};
    }
    if (code == 0xc2 || code == 0xc3) {
        return {Kind::boolean, 1, code & 1U};
    }
    return wide_item(code, rest_.subspan(1));
}

Kind Reader::peek() const noexcept
{
    return next().kind;
}

std::optional<bool> Reader::boolean() noexcept
{
    const Item item = next();
    if (item.kind != Kind::boolean) {
        return {};
    }
    advance(item.head);
    return item.number != 0;
}

std::optional<std::int64_t> Reader::integer() noexcept
{
    const Item item = next();
    // A uint64 above the range of int64 has no use here; it must not turn negative.
    const bool too_big = item.head == 9 && std::to_integer<int>(rest_[0]) == 0xcf &&
                         item.number > std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    if (item.kind != Kind::integer || too_big) {
        return {};
    }
    advance(item.head);
    return static_cast<std::int64_t>(item.number);
}

std::optional<double> Reader::real() noexcept
{
    const Item item = next();
    if (item.kind != Kind::real) {
        return {};
    }
    advance(item.head);
    return std::bit_cast<double>(item.number);
}

std::optional<std::string_view> Reader::text() noexcept
{
    const Item item = next();
    if (item.kind != Kind::text || item.number > rest_.size() - item.head) {
        return {};
    }
    const ByteView content = rest_.subspan(item.head, item.number);
    advance(item.head + item.number);
    return text_of(content);
}

std::optional<std::uint32_t> Reader::array() noexcept
{
    const Item item = next();
    // Every element takes a byte at least: a count above that is a lie.
    if (item.kind != Kind::array || item.number > rest_.size() - item.head) {
        return {};
    }
    advance(item.head);
    return static_cast<std::uint32_t>(item.number);
}

std::optional<std::uint32_t> Reader::map() noexcept
{
    const Item item = next();
    if (item.kind != Kind::map || item.number > (rest_.size() - item.head) / 2) {
        return {};
    }
    advance(item.head);
    return static_cast<std::uint32_t>(item.number);
}

std::optional<ByteView> Reader::skip() noexcept
{
    const ByteView start = rest_;
    std::uint64_t pending = 1;
    while (pending > 0) {
        const Item item = next();
        --pending;
        std::uint64_t size = item.head;
        if (item.kind == Kind::text || item.kind == Kind::binary) {
            size += item.number;
        } else if (item.kind == Kind::array) {
            pending += item.number;
        } else if (item.kind == Kind::map) {
            pending += 2 * item.number;
        }
        // Every pending item takes a byte at least, so a lying count ends here at once.
        if (item.kind == Kind::invalid || size > rest_.size() || pending > rest_.size() - size) {
            rest_ = start;
            return {};
        }
        advance(size);
    }
    return start.first(start.size() - rest_.size());
}

namespace {

Result<Value> decode_item(Reader& reader, std::size_t depth);

// Recursion is bounded by limits::depth
Result<Value> decode_map(Reader& reader, std::uint32_t size, std::size_t depth)
{
    Map members;
    for (std::uint32_t i = 0; i < size; ++i) {
        const auto key = reader.text();
        if (!key || !valid_utf8(*key)) {
            return fail(Errc::invalid, "MessagePack: a key must be UTF-8 text");
        }
        JOBMILL_TRY_ASSIGN(Value member, decode_item(reader, depth));
        members.emplace_back(std::string{*key}, std::move(member));
    }
    return Value{std::move(members)};
}

// Recursion is bounded by limits::depth
Result<Value> decode_array(Reader& reader, std::uint32_t size, std::size_t depth)
{
    Array items;
    for (std::uint32_t i = 0; i < size; ++i) {
        JOBMILL_TRY_ASSIGN(Value item, decode_item(reader, depth));
        items.push_back(std::move(item));
    }
    return Value{std::move(items)};
}

// Recursion is bounded by limits::depth
Result<Value> decode_item(Reader& reader, std::size_t depth)
{
    if (const auto number = reader.integer()) {
        return Value{*number};
    }
    if (const auto text = reader.text()) {
        return valid_utf8(*text) ? Result<Value>{Value{*text}}
                                 : fail(Errc::invalid, "MessagePack: text is not UTF-8");
    }
    if (const auto truth = reader.boolean()) {
        return Value{*truth};
    }
    if (const auto fraction = reader.real()) {
        return Value{*fraction};
    }
    const bool nests = reader.peek() == Kind::map || reader.peek() == Kind::array;
    if (nests && depth == 0) {
        return fail(Errc::exhausted, "MessagePack: nested too deep");
    }
    if (const auto size = reader.map()) {
        return decode_map(reader, *size, depth - 1);
    }
    if (const auto size = reader.array()) {
        return decode_array(reader, *size, depth - 1);
    }
    if (reader.peek() == Kind::nil) {
        (void)reader.skip();
        return Value{};
    }
    return fail(Errc::invalid, "MessagePack: malformed, cut short, or of a type not used here");
}

}  // namespace

Result<Value> decode(ByteView bytes)
{
    Reader reader{bytes};
    JOBMILL_TRY_ASSIGN(Value value, decode_item(reader, limits::depth));
    if (!reader.at_end()) {
        return fail(Errc::invalid, "MessagePack: something follows the document");
    }
    return value;
}

}  // namespace jobmill::msgpack
