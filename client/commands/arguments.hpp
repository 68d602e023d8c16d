// SPDX-License-Identifier: MIT
// What a job is told beside its payload: a handler's arguments from KEY=VALUE words, a command's
// words, directory, environment and umask.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/commands/common_options.hpp"
#include "jobmill/result.hpp"
#include "jobmill/value.hpp"

namespace jobmill::commands {

/// KEY=VALUE: a whole or decimal number becomes a number, true and false become truths, anything
/// else is text; so are numbers with leading zeros, and those too large for 64 bits.
/// KEY:=TEXT: text in any case.
[[nodiscard]] Result<Map> parse_arguments(std::span<const std::string> words);

/// Names travel as UTF-8, of so many bytes at most: says which option, by its name, has another.
[[nodiscard]] Result<void> check_name(const char* option, std::string_view text);

/// What is wrong with the words of a job, before anybody is asked to run it.
[[nodiscard]] Result<void> check_words(const WorkOptions& work,
                                       std::span<const std::string> command);

/// What is wrong with a word that should be a number of jobs or files; empty when nothing is.
[[nodiscard]] std::string not_a_count(const std::string& word);

/// What a command would have of the process that starts it.
struct CommandPlace {
    std::string directory;
    std::vector<std::string> environment;
    mode_t mask = 0;
};
/// This process's own.
[[nodiscard]] Result<CommandPlace> current_place();

/// Members for the handler of commands. Text that is not UTF-8 cannot be told to the daemon: such a
/// word is an error, such a variable is left out.
[[nodiscard]] Result<Map> command_arguments(std::span<const std::string> words,
                                            const CommandPlace& place);

/// The handler that runs commands.
inline constexpr std::string_view command_handler = "exec";

/// The words as one line for people, cut to a label's size.
[[nodiscard]] std::string label_of(std::span<const std::string> words);

}  // namespace jobmill::commands
