// SPDX-License-Identifier: MIT
// The words of map's command, for one item of input.
//   {} the item; {.} without its extension; {/} without its directory; {/.} without both;
//   {//} its directory; {#} its number from 1.
// Without any but {#}, the item is appended as a word of its own.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jobmill::commands {

[[nodiscard]] std::vector<std::string> fill(std::span<const std::string> pattern,
                                            std::string_view item, std::uint64_t item_number);

/// The same for sh -c: the words are joined with spaces, and the item is quoted.
[[nodiscard]] std::string fill_for_shell(std::span<const std::string> pattern,
                                         std::string_view item, std::uint64_t item_number);

/// As one word of sh.
[[nodiscard]] std::string quoted(std::string_view text);

[[nodiscard]] std::string joined(std::span<const std::string> words);

/// sh -c TEXT
[[nodiscard]] std::vector<std::string> shell_words(std::string text);

}  // namespace jobmill::commands
