// SPDX-License-Identifier: MIT
// The metadata map of a frame, by a list of named fields: each decoder names what it knows and
// where it goes. For common/codec_*.cpp alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "common/codec.hpp"
#include "common/msgpack.hpp"
#include "common/utf8.hpp"
#include "jobmill/bytes.hpp"

namespace jobmill::meta {

[[nodiscard, gnu::cold]] inline tl::unexpected<ErrorReply> wrong_type(std::string_view field,
                                                                      const char* want)
{
    return tl::unexpected<ErrorReply>(ErrorReply{.code = error_code::wrong_type,
                                                 .text = std::string{"want "} + want,
                                                 .field = std::string{field},
                                                 .limit = {},
                                                 .offset = {},
                                                 .retry_after_ms = {}});
}

[[nodiscard, gnu::cold]] inline tl::unexpected<ErrorReply> bad_value(
    std::string_view field, std::string text, std::optional<std::uint64_t> limit = {})
{
    return tl::unexpected<ErrorReply>(ErrorReply{.code = error_code::bad_value,
                                                 .text = std::move(text),
                                                 .field = std::string{field},
                                                 .limit = limit,
                                                 .offset = {},
                                                 .retry_after_ms = {}});
}

[[nodiscard]] inline tl::unexpected<ErrorReply> missing(std::string_view field, const char* text)
{
    return tl::unexpected<ErrorReply>(ErrorReply{.code = error_code::missing_field,
                                                 .text = text,
                                                 .field = std::string{field},
                                                 .limit = {},
                                                 .offset = {},
                                                 .retry_after_ms = {}});
}

/// An option that we do not know may be one that the client relies on: never skip it silently.
[[nodiscard, gnu::cold]] inline tl::unexpected<ErrorReply> unknown_option(std::string_view key,
                                                                          const char* text)
{
    return tl::unexpected<ErrorReply>(ErrorReply{.code = error_code::unknown_option,
                                                 .text = text,
                                                 .field = std::string{key},
                                                 .limit = {},
                                                 .offset = {},
                                                 .retry_after_ms = {}});
}

inline Decoded<void> take(msgpack::Reader& reader, std::string_view key, std::string_view& to)
{
    const auto text = reader.text();
    if (!text) {
        return wrong_type(key, "a string");
    }
    if (!valid_utf8(*text)) {
        return tl::unexpected<ErrorReply>(ErrorReply{.code = error_code::not_utf8,
                                                     .text = "not UTF-8",
                                                     .field = std::string{key},
                                                     .limit = {},
                                                     .offset = {},
                                                     .retry_after_ms = {}});
    }
    to = *text;
    return {};
}

inline Decoded<void> take(msgpack::Reader& reader, std::string_view key, std::string& to)
{
    std::string_view text;
    if (auto taken = take(reader, key, text); !taken) {
        return taken;
    }
    to = text;
    return {};
}

inline Decoded<void> take(msgpack::Reader& reader, std::string_view key, bool& to)
{
    const auto truth = reader.boolean();
    if (!truth) {
        return wrong_type(key, "true or false");
    }
    to = *truth;
    return {};
}

template <std::integral T>
Decoded<void> take(msgpack::Reader& reader, std::string_view key, std::optional<T>& to)
{
    const auto value = reader.integer();
    if (!value || !std::in_range<T>(*value)) {
        return wrong_type(key, "a number");
    }
    to = static_cast<T>(*value);
    return {};
}

/// Calls `member(key, reader)` for every member; it takes the value, or answers an error.
template <typename Member>
Decoded<void> each(ByteView bytes, Member member)
{
    if (bytes.empty()) {
        return {};
    }
    msgpack::Reader reader{bytes};
    const auto malformed = [] {
        return tl::unexpected<ErrorReply>(ErrorReply{.code = error_code::bad_frame,
                                                     .text = "the metadata is no MessagePack map",
                                                     .field = "meta",
                                                     .limit = {},
                                                     .offset = {},
                                                     .retry_after_ms = {}});
    };
    const auto size = reader.map();
    if (!size) {
        return malformed();
    }
    for (std::uint32_t i = 0; i < *size; ++i) {
        const auto key = reader.text();
        if (!key) {
            return malformed();
        }
        if (Decoded<void> taken = member(*key, reader); !taken) {
            return taken;
        }
    }
    return reader.at_end() ? Decoded<void>{} : malformed();
}

/// Passes over a member that this version does not know.
inline Decoded<void> skip(msgpack::Reader& reader, std::string_view key)
{
    if (!reader.skip()) {
        return wrong_type(key, "well-formed MessagePack");
    }
    return {};
}

/// A map whose absent members cost nothing: members are added if they say something.
class Builder {
public:
    Builder& text(std::string_view key, std::string_view value)
    {
        if (!value.empty()) {
            writer_.text(key);
            writer_.text(value);
            ++size_;
        }
        return *this;
    }
    /// Text whose size somebody else decided: at most `limit` bytes of it, as UTF-8.
    Builder& text(std::string_view key, std::string_view value, std::size_t limit)
    {
        return text(key, utf8_cut(value, limit));
    }
    Builder& flag(std::string_view key, bool value)
    {
        if (value) {
            writer_.text(key);
            writer_.boolean(true);
            ++size_;
        }
        return *this;
    }
    template <std::integral T>
    Builder& number(std::string_view key, const std::optional<T>& value)
    {
        if (value) {
            writer_.text(key);
            if constexpr (std::is_signed_v<T>) {
                writer_.integer(*value);
            } else {
                // Readers know no integer above 2^63-1.
                writer_.unsigned_integer(std::min<std::uint64_t>(*value, INT64_MAX));
            }
            ++size_;
        }
        return *this;
    }
    Builder& numbers(std::string_view key, std::span<const std::uint64_t> values)
    {
        if (!values.empty()) {
            writer_.text(key);
            writer_.array(static_cast<std::uint32_t>(values.size()));
            for (const std::uint64_t value : values) {
                writer_.unsigned_integer(std::min<std::uint64_t>(value, INT64_MAX));
            }
            ++size_;
        }
        return *this;
    }
    /// A value that is MessagePack already.
    Builder& raw(std::string_view key, ByteView value)
    {
        if (!value.empty()) {
            writer_.text(key);
            append(members_, value);
            ++size_;
        }
        return *this;
    }
    void append_to(Bytes& to) const
    {
        if (size_ > 0) {
            msgpack::Writer{to}.map(size_);
            append(to, members_);
        }
    }

private:
    Bytes members_;
    msgpack::Writer writer_{members_};
    std::uint32_t size_ = 0;
};

/// The name of a terminal state.
Decoded<void> take(msgpack::Reader& reader, std::string_view key, JobState& to);

void add_cause(Builder& builder, const Cause& cause);
Decoded<void> take_cause(std::string_view key, msgpack::Reader& reader, Cause& cause);

/// The attempts before the last one, as far as a frame has room.
void add_attempts(Builder& builder, const std::vector<Attempt>& all);
Decoded<void> take_attempts(msgpack::Reader& reader, std::vector<Attempt>& attempts);

}  // namespace jobmill::meta
