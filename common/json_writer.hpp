// SPDX-License-Identifier: MIT
// Appends JSON to a buffer, one member or element after another; commas are its business.
#pragma once

#include <cstdint>
#include <string_view>

#include "jobmill/bytes.hpp"
#include "jobmill/value.hpp"

namespace jobmill {

class JsonWriter {
public:
    explicit JsonWriter(Bytes& to) noexcept : to_(to) {}

    JsonWriter& begin_object();
    JsonWriter& end_object();
    JsonWriter& begin_array();
    JsonWriter& end_array();
    JsonWriter& key(std::string_view name);

    /// Must be valid UTF-8.
    JsonWriter& text(std::string_view value);
    JsonWriter& integer(std::int64_t value);
    JsonWriter& unsigned_integer(std::uint64_t value);
    /// With at most `decimals` of them, no trailing zeros. Infinities and NaN become null.
    JsonWriter& real(double value, int decimals = 6);
    JsonWriter& boolean(bool value);
    JsonWriter& null();
    JsonWriter& value(const Value& value);
    JsonWriter& base64(ByteView bytes);

private:
    void separate();

    Bytes& to_;
    bool comma_ = false;
};

}  // namespace jobmill
