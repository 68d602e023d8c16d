// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <vector>

#include "client/commands/common_options.hpp"
#include "jobmill/result.hpp"

namespace jobmill::commands {

/// The words before "--", and those after it, which are a command's and none of ours.
struct SplitWords {
    std::vector<std::string> ours;
    std::vector<std::string> command;
    bool has_command = false;
};

[[nodiscard]] SplitWords split(std::span<char* const> words);

/// What is special about a subcommand that makes jobs.
struct WorkKind {
    bool batch_of_its_own = false;  ///< it needs no name for a halt rule to be of
    bool from_log = false;          ///< the log says what to run
};

/// Whether the options and the words after "--" go together; then the job options are what their
/// words say.
[[nodiscard]] Result<void> settle(WorkOptions& work, const SplitWords& words, WorkKind kind);

}  // namespace jobmill::commands
