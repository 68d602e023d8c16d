// SPDX-License-Identifier: MIT
// Submits, of one job and of many, and their options. For common/codec_*.cpp alone.
#pragma once

#include <string_view>

#include "common/meta_fields.hpp"
#include "common/option_table.hpp"

namespace jobmill::meta {

/// Text of at most limits::name bytes.
[[nodiscard]] Decoded<void> take_name(msgpack::Reader& reader, std::string_view key,
                                      std::string_view& to);
[[nodiscard]] Decoded<options::Number> take_number(msgpack::Reader& reader,
                                                   const options::Range& range);

/// All options of a submit; one that is not known is refused.
[[nodiscard]] Decoded<void> take_options(ByteView meta, SubmitOptions& options);
void add_options(Builder& builder, const SubmitOptions& options);

/// A number of the range, or the word for no bound at all.
template <std::integral T>
void add(Builder& builder, const options::Range& range, const std::optional<T>& value)
{
    if (value && std::cmp_equal(*value, unlimited)) {
        builder.text(range.name, options::unlimited_word);
    } else {
        builder.number(range.name, value);
    }
}

[[nodiscard]] Decoded<void> decode_submit(const Frame& frame, Submit& submit);
[[nodiscard]] Decoded<Request> decode_put(const Frame& frame);
[[nodiscard]] Decoded<void> decode_submit_many(const Frame& frame, SubmitMany& many);

}  // namespace jobmill::meta
