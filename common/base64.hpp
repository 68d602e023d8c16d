// SPDX-License-Identifier: MIT
// Base64 as in RFC 4648, with padding.
#pragma once

#include <optional>
#include <string_view>

#include "jobmill/bytes.hpp"

namespace jobmill::base64 {

void encode(ByteView bytes, Bytes& to);

/// None when the text is not base64: wrong length, alphabet, padding or stray bits.
[[nodiscard]] std::optional<Bytes> decode(std::string_view text);

}  // namespace jobmill::base64
