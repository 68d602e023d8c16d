// SPDX-License-Identifier: MIT
// The options of a submit in the metadata of a frame. For common/codec_*.cpp alone.
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

}  // namespace jobmill::meta
