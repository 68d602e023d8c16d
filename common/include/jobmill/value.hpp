// SPDX-License-Identifier: MIT
// A document: what JSON and MessagePack both can say. Used where shapes are open: a job's
// arguments, status replies. The hot messages have structs of their own (messages.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace jobmill {

struct Value;
using Array = std::vector<Value>;
/// Members in the order in which they were added.
using Map = std::vector<std::pair<std::string, Value>>;

/// An integer above 2^63-1, which no handler could read: no job may have it among its arguments.
struct LargeInteger {
    explicit LargeInteger(std::uint64_t value) noexcept : number(value) {}
    bool operator==(const LargeInteger&) const = default;

    std::uint64_t number;
};

struct Value : std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Map,
                            LargeInteger> {
    using variant::variant;
    // A literal would otherwise become a bool, and an int would be ambiguous.
    // NOLINTBEGIN(google-explicit-constructor): they convert, as the variant does
    Value(const char* text) : variant(std::string{text}) {}
    Value(std::string_view text) : variant(std::string{text}) {}
    Value(int number) : variant(std::int64_t{number}) {}
    Value(std::uint32_t number) : variant(std::int64_t{number}) {}
    Value(std::uint64_t number) : variant(static_cast<std::int64_t>(number))
    {
        if (!std::in_range<std::int64_t>(number)) {
            emplace<LargeInteger>(number);
        }
    }
    // NOLINTEND(google-explicit-constructor)

    /// The member of that name, or null when this is no map or has none.
    [[nodiscard]] const Value* find(std::string_view key) const;

    [[nodiscard]] const std::string* text() const { return std::get_if<std::string>(this); }
    [[nodiscard]] const std::int64_t* integer() const { return std::get_if<std::int64_t>(this); }
    [[nodiscard]] const Array* array() const { return std::get_if<Array>(this); }
    [[nodiscard]] const Map* map() const { return std::get_if<Map>(this); }

    /// The member's text or number, or a default when it is missing or of another type.
    [[nodiscard]] std::string_view text_at(std::string_view key) const;
    [[nodiscard]] std::int64_t integer_at(std::string_view key) const;
    [[nodiscard]] double real_at(std::string_view key) const;
};

}  // namespace jobmill
