// SPDX-License-Identifier: MIT
#include "common/json_writer.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "common/base64.hpp"

namespace jobmill {

void JsonWriter::separate()
{
    if (comma_) {
        append(to_, ",");
    }
    comma_ = true;
}

JsonWriter& JsonWriter::begin_object()
{
    separate();
    append(to_, "{");
    comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::end_object()
{
    append(to_, "}");
    comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::begin_array()
{
    separate();
    append(to_, "[");
    comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::end_array()
{
    append(to_, "]");
    comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name)
{
    text(name);
    append(to_, ":");
    comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::text(std::string_view value)
{
    static constexpr std::string_view digits = "0123456789abcdef";
    separate();
    append(to_, "\"");
    std::size_t plain = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const auto code = static_cast<std::uint8_t>(value[i]);
        if (code >= 0x20 && code != '"' && code != '\\' && code != 0x7f) {
            continue;
        }
        append(to_, value.substr(plain, i - plain));
        plain = i + 1;
        switch (value[i]) {
            case '"':
                append(to_, "\\\"");
                break;
            case '\\':
                append(to_, "\\\\");
                break;
            case '\n':
                append(to_, "\\n");
                break;
            case '\r':
                append(to_, "\\r");
                break;
            case '\t':
                append(to_, "\\t");
                break;
            default:
                append(to_, "\\u00");
                to_.push_back(static_cast<std::byte>(digits[code >> 4U]));
                to_.push_back(static_cast<std::byte>(digits[code & 0x0fU]));
        }
    }
    append(to_, value.substr(plain));
    append(to_, "\"");
    return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t value)
{
    separate();
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    append(to_, std::string_view{digits.data(), end});
    return *this;
}

JsonWriter& JsonWriter::unsigned_integer(std::uint64_t value)
{
    separate();
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    append(to_, std::string_view{digits.data(), end});
    return *this;
}

JsonWriter& JsonWriter::real(double value, int decimals)
{
    if (!std::isfinite(value) || std::abs(value) >= 1e15) {
        return null();
    }
    separate();
    std::array<char, 64> digits{};
    auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                              std::chars_format::fixed, decimals)
                    .ptr;
    std::string_view text{digits.data(), end};
    if (text.find('.') != std::string_view::npos) {
        text = text.substr(0, text.find_last_not_of('0') + 1);
        if (text.ends_with('.')) {
            text.remove_suffix(1);
        }
    }
    append(to_, text);
    return *this;
}

JsonWriter& JsonWriter::boolean(bool value)
{
    separate();
    append(to_, value ? "true" : "false");
    return *this;
}

JsonWriter& JsonWriter::null()
{
    separate();
    append(to_, "null");
    return *this;
}

JsonWriter& JsonWriter::base64(ByteView bytes)
{
    separate();
    append(to_, "\"");
    base64::encode(bytes, to_);
    append(to_, "\"");
    return *this;
}

// Recursive: as deep as the document, which decoding bounds
JsonWriter& JsonWriter::value(const Value& value)
{
    if (const Array* items = value.array()) {
        begin_array();
        for (const Value& item : *items) {
            this->value(item);
        }
        return end_array();
    }
    if (const Map* members = value.map()) {
        begin_object();
        for (const auto& [name, member] : *members) {
            key(name).value(member);
        }
        return end_object();
    }
    if (const std::string* words = value.text()) {
        return text(*words);
    }
    if (const std::int64_t* number = value.integer()) {
        return integer(*number);
    }
    if (const auto* fraction = std::get_if<double>(&value)) {
        return real(*fraction);
    }
    if (const auto* truth = std::get_if<bool>(&value)) {
        return boolean(*truth);
    }
    if (const auto* large = std::get_if<LargeInteger>(&value)) {
        return unsigned_integer(large->number);
    }
    return null();
}

}  // namespace jobmill
