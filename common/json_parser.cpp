// SPDX-License-Identifier: MIT
#include "common/json_parser.hpp"

#include <algorithm>
#include <bit>
#include <new>

#include "common/json_scan.hpp"

namespace jobmill::json {

Decoded<Object> LineParser::parse(std::string_view text)
{
    if (text.size() > limits::frame) {
        return refuse(error_code::too_long, {}, {}, limits::frame);
    }
    if (line_.size() < text.size() + simdjson::SIMDJSON_PADDING) {
        const std::size_t capacity = std::max<std::size_t>(std::bit_ceil(text.size()), 4096);
        line_.resize(capacity + simdjson::SIMDJSON_PADDING);
        // The parser counts the document itself as a level.
        if (parser_.allocate(capacity, limits::depth + 1) != simdjson::SUCCESS) {
            throw std::bad_alloc{};
        }
    }
    std::copy(text.begin(), text.end(), line_.begin());
    Element document;
    const auto error = parser_.parse(line_.data(), text.size(), false).get(document);
    // The parser lets half of a surrogate pair pass, which would not be UTF-8.
    const bool surrogates =
        text.find("\\ud") != std::string_view::npos || text.find("\\uD") != std::string_view::npos;
    std::optional<JsonFault> fault;
    if (error != simdjson::SUCCESS || surrogates) {
        fault = find_json_fault(text);
    }
    if (fault) {
        Refusal refusal = refuse(fault->code, {}, std::move(fault->text));
        refusal.value().offset = fault->offset;
        if (refusal.value().code == error_code::too_deep) {
            refusal.value().limit = limits::depth;
        }
        return refusal;
    }
    if (error != simdjson::SUCCESS) {  // well-formed, but a number is out of all range
        return refuse(error_code::bad_json, {}, simdjson::error_message(error));
    }
    Object members;
    if (document.get(members) != simdjson::SUCCESS) {
        Refusal refusal = refuse(error_code::bad_json, {}, "want an object");
        refusal.value().offset = text.find_first_not_of(" \t\r\n");
        return refusal;
    }
    return members;
}

}  // namespace jobmill::json
