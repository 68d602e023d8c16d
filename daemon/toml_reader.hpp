// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#define TOML_HEADER_ONLY 0
#include <toml++/toml.h>

#include "jobmill/result.hpp"

namespace jobmill::daemon {

/// A hundred years: more than anybody means, less than nanoseconds can count.
inline constexpr std::chrono::hours longest_duration{24 * 365 * 100};

/// Takes values out of the tables of one file. A key that is absent leaves its value as it was;
/// the first error is kept, with its place.
class TomlReader {
public:
    explicit TomlReader(std::string file) : file_(std::move(file)) {}

    [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }
    void complain(const toml::source_region& where, const std::string& what);
    /// "FILE:LINE:COLUMN".
    [[nodiscard]] std::string place(const toml::source_region& where) const;

    void known_keys(const toml::table& table, const std::string& of,
                    std::initializer_list<std::string_view> names);

    /// Whether a text has no zero byte, at which the system would end it silently; complains else.
    bool is_plain(const toml::value<std::string>& text, std::string_view key);

    /// The value of a key if it is there and of that type; a text without a zero byte.
    template <typename T>
    const toml::value<T>* value(const toml::table& table, std::string_view key, const char* want)
    {
        const toml::node* node = table.get(key);
        if (node == nullptr) {
            return nullptr;
        }
        const toml::value<T>* found = node->as<T>();
        if (found == nullptr) {
            complain(node->source(), std::string{key} + ": want " + want);
        }
        if constexpr (std::is_same_v<T, std::string>) {
            return found != nullptr && is_plain(*found, key) ? found : nullptr;
        }
        return found;
    }

    void text(const toml::table& table, std::string_view key, std::optional<std::string>& to);
    /// The same, if `judge` has nothing against it.
    void text(const toml::table& table, std::string_view key, std::optional<std::string>& to,
              Result<void> (*judge)(const std::string&));
    void flag(const toml::table& table, std::string_view key, std::optional<bool>& to);

    /// From 1 to `most`, or from `least`.
    template <typename T>
    void number(const toml::table& table, std::string_view key, T& to, std::int64_t most,
                std::int64_t least = 1)
    {
        if (const auto found = number_within(table, key, {.least = least, .most = most})) {
            to = static_cast<T>(*found);
        }
    }
    /// From one byte to `most`.
    void size(const toml::table& table, std::string_view key, std::uint64_t& to,
              std::uint64_t most);
    void duration(const toml::table& table, std::string_view key, std::chrono::milliseconds& to,
                  std::chrono::milliseconds least = {},
                  std::chrono::milliseconds most = longest_duration);

    // Or a word that stands for no bound; it is never spelled 0.

    /// A number from 1 to a thousand million or "unlimited", which is jobmill::unlimited.
    void bound(const toml::table& table, std::string_view key, std::uint64_t& to);
    void bound(const toml::table& table, std::string_view key, std::optional<std::uint64_t>& to);
    /// A size of at most 1024 TiB, or the word, which is none.
    void size_or(const toml::table& table, std::string_view key, std::string_view word,
                 std::optional<std::uint64_t>& to);
    /// The same; "unlimited" is jobmill::unlimited.
    void size_bound(const toml::table& table, std::string_view key, std::uint64_t& to);
    /// Above zero and of at most ten years, or the word, which is none.
    void duration_or(const toml::table& table, std::string_view key, std::string_view word,
                     std::optional<std::chrono::milliseconds>& to);
    /// From 1us to 1ms, or "none", which is zero.
    void spin(const toml::table& table, std::chrono::microseconds& to);
    /// The same, or "auto", which is none.
    void spin(const toml::table& table, std::optional<std::chrono::microseconds>& to);

private:
    struct Range {
        std::int64_t least = 1;
        std::int64_t most = 1;
        std::string_view word{};  ///< that may be there instead
    };
    [[nodiscard]] static bool is_word(const toml::table& table, std::string_view key,
                                      std::string_view word);
    /// Zero for "none"; none when there is no such key, or what it has is not what we want.
    std::optional<std::chrono::microseconds> spin_time(const toml::table& table, const char* want);
    std::optional<std::int64_t> number_within(const toml::table& table, std::string_view key,
                                              const Range& range);

    std::string file_;
    std::optional<Error> error_;
};

}  // namespace jobmill::daemon
