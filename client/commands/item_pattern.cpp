// SPDX-License-Identifier: MIT
#include "client/commands/item_pattern.hpp"

#include "client/commands/arguments.hpp"
#include "client/commands/command_text.hpp"
#include "client/commands/placeholders.hpp"

namespace jobmill::commands {

Result<ItemPattern> ItemPattern::from(const WorkOptions& work)
{
    ItemPattern pattern{work};
    pattern.label_ = work.label;
    if (!pattern.is_command()) {
        JOBMILL_TRY_ASSIGN(pattern.arguments_, parse_arguments(work.args));
        return pattern;
    }
    JOBMILL_TRY_ASSIGN(const CommandPlace place, current_place());
    JOBMILL_TRY_ASSIGN(pattern.arguments_, command_arguments({}, place));
    if (pattern.label_.empty()) {
        pattern.label_ = label_of(work.command);
    }
    return pattern;
}

Result<NewJob> ItemPattern::job(std::uint64_t number, std::string_view item) const
{
    NewJob job{.handler = work_->handler,
               .payload = bytes_of(item),
               .args = arguments_,
               .pool = work_->pool,
               .label = label_,
               .options = work_->options};
    if (is_command()) {
        const std::string text{item};
        const std::vector<std::string> words =
            work_->shell ? shell_words(fill_for_shell(work_->command, text, number))
                         : fill(work_->command, text, number);
        JOBMILL_TRY_ASSIGN(Map filled, command_arguments(words, {}));
        // The first member is the words; where it runs stays.
        job.args.front() = std::move(filled.front());
        job.handler = command_handler;
        job.payload = {};
    }
    return job;
}

std::string ItemPattern::command(std::uint64_t number, std::string_view item) const
{
    if (!is_command()) {
        return handler_text(*work_, item);
    }
    const std::string text{item};
    return work_->shell ? fill_for_shell(work_->command, text, number)
                        : command_text(fill(work_->command, text, number));
}

}  // namespace jobmill::commands
