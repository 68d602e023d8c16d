// SPDX-License-Identifier: MIT
// What a line of the log is made of: an event, and fields with names from one small fixed list.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <variant>

namespace jobmill::log {

/// Every field that a line may have, in the order of jobmilld(8), which says what each one means.
/// In the journal the name is in capitals after JOBMILL_.
inline constexpr auto field_names = std::to_array<std::string_view>({
    "job",       "pool",    "handler",  "worker",    "generation", "session", "user",   "pid",
    "cause",     "code",    "signal",   "exit_code", "state",      "config",  "change", "socket",
    "state_dir", "jobs_as", "version",  "level",     "pools",      "workers", "jobs",   "count",
    "limit",     "event",   "grace_ms", "cpu_ms",    "peak_kib",   "bytes",   "stderr",
});

/// A name of that list; any other is an error of the compiler.
class Key {
public:
    // NOLINTNEXTLINE(google-explicit-constructor): the literal is how a key is written
    consteval Key(const char* name) : name_{name}
    {
        if (std::find(field_names.begin(), field_names.end(), name_) == field_names.end()) {
            throw "no field of the log has this name";
        }
    }
    [[nodiscard]] constexpr std::string_view name() const noexcept { return name_; }

private:
    std::string_view name_;
};

/// What happened: a few fixed words, from a literal, so that lines can be counted and found by
/// them. Nothing that varies belongs in it.
class EventName {
public:
    // NOLINTNEXTLINE(google-explicit-constructor): the literal is how an event is written
    consteval EventName(const char* words) : words_{words}
    {
        for (const char c : words_) {
            if (c != ' ' && (c < 'a' || c > 'z')) {
                throw "an event is named by small letters and spaces";
            }
        }
    }
    [[nodiscard]] constexpr std::string_view words() const noexcept { return words_; }

private:
    std::string_view words_;
};

/// A key and a value that outlives the call. Absent numbers and empty texts are left out.
class Field {
public:
    using Value = std::variant<std::string_view, std::uint64_t, std::int64_t>;

    constexpr Field(Key key, std::string_view text) noexcept : key_(key), value_(text) {}
    constexpr Field(Key key, std::unsigned_integral auto number) noexcept
        : key_(key), value_(std::uint64_t{number})
    {
    }
    constexpr Field(Key key, std::signed_integral auto number) noexcept
        : key_(key), value_(std::int64_t{number})
    {
    }
    template <std::integral T>
    constexpr Field(Key key, std::optional<T> number) noexcept : Field(key, std::string_view{})
    {
        if (number) {
            *this = Field{key, *number};
        }
    }

    [[nodiscard]] constexpr std::string_view name() const noexcept { return key_.name(); }
    [[nodiscard]] constexpr const Value& value() const noexcept { return value_; }
    [[nodiscard]] constexpr bool absent() const noexcept
    {
        const auto* text = std::get_if<std::string_view>(&value_);
        return text != nullptr && text->empty();
    }

private:
    Key key_;
    Value value_;
};

using Fields = std::initializer_list<Field>;

}  // namespace jobmill::log
