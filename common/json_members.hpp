// SPDX-License-Identifier: MIT
// The members of a parsed JSON object, taken by type. For common/json_lines.cpp and its like alone.
#pragma once

#include <simdjson.h>

#include <concepts>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/codec.hpp"
#include "jobmill/bytes.hpp"
#include "jobmill/ids.hpp"

namespace jobmill::json {

using Element = simdjson::dom::element;
using Object = simdjson::dom::object;
using Refusal = tl::unexpected<ErrorReply>;

[[nodiscard, gnu::cold]] Refusal refuse(const char* code, std::string_view field, std::string text,
                                        std::optional<std::uint64_t> limit = {});
[[nodiscard, gnu::cold]] Refusal wrong_type(std::string_view field, const char* want);
[[nodiscard]] Refusal too_many_bytes(std::string_view field, std::size_t size, std::size_t limit);

/// What a client wrote, for the text of an error; cut when it is long.
[[nodiscard]] std::string quoted(std::string_view word);

[[nodiscard]] Decoded<void> take(const Element& value, std::string_view field,
                                 std::string_view& to);
[[nodiscard]] Decoded<void> take(const Element& value, std::string_view field, bool& to);
[[nodiscard]] Decoded<void> take(const Element& value, std::string_view field, JobId& to);

template <std::unsigned_integral T>
[[nodiscard]] Decoded<void> take(const Element& value, std::string_view field, T& to)
{
    if (!value.is_number()) {
        return wrong_type(field, "a number");
    }
    std::uint64_t number = 0;
    if (value.get(number) != simdjson::SUCCESS || !std::in_range<T>(number)) {
        return refuse(
            error_code::bad_value, field,
            "want a whole number of 0 to " + std::to_string(std::numeric_limits<T>::max()),
            std::numeric_limits<T>::max());
    }
    to = static_cast<T>(number);
    return {};
}

/// Text of at most limits::name bytes.
[[nodiscard]] Decoded<void> take_name(const Element& value, std::string_view field,
                                      std::string_view& to);

/// The member "id"; empty when there is none.
[[nodiscard]] Decoded<std::string_view> take_id(const Object& members);
/// The member "op", which must be there.
[[nodiscard]] Decoded<std::string_view> take_op(const Object& members);

/// Refuses an object that has a key twice: readers differ in which of the two they believe. `keys`
/// is scratch; it holds the keys afterwards.
[[nodiscard]] Decoded<void> check_keys(const Object& members, std::vector<std::string_view>& keys);

/// Appends a job's arguments as a MessagePack map.
[[nodiscard]] Decoded<void> write_args(const Object& members, std::vector<std::string_view>& keys,
                                       Bytes& to);

}  // namespace jobmill::json
