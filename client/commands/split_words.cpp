// SPDX-License-Identifier: MIT
#include "client/commands/split_words.hpp"

#include <string_view>

#include "client/commands/arguments.hpp"

namespace jobmill::commands {

SplitWords split(std::span<char* const> words)
{
    SplitWords to;
    for (const char* word : words) {
        if (to.has_command) {
            to.command.emplace_back(word);
        } else if (std::string_view{word} == "--") {
            to.has_command = true;
        } else {
            to.ours.emplace_back(word);
        }
    }
    return to;
}

Result<void> settle(WorkOptions& work, const SplitWords& words, WorkKind kind)
{
    if (words.has_command && words.command.empty()) {
        return fail(Errc::invalid, "-- wants a command after it");
    }
    if (!kind.from_log && work.handler.empty() != words.has_command) {
        return fail(Errc::invalid, words.has_command ? "a handler or, after --, a command; not both"
                                                     : "want a handler, or -- and a command");
    }
    if (words.has_command && !work.args.empty()) {
        return fail(Errc::invalid, "--arg is for handlers; a command has words of its own");
    }
    JOBMILL_TRY(check_words(work, words.command));
    if (!words.has_command && (work.shell || work.input)) {
        return fail(Errc::invalid, "--shell and --stdin are for commands after --");
    }
    if (work.words.halt && !work.words.batch && !kind.batch_of_its_own) {
        return fail(Errc::invalid, "--halt is a batch's; name it with --batch");
    }
    JOBMILL_TRY_ASSIGN(work.options, parse_job_options(work.words));
    return {};
}

}  // namespace jobmill::commands
