// SPDX-License-Identifier: MIT
#include "client/commands/ask.hpp"

#include "client/commands/follow.hpp"
#include "client/commands/json_output.hpp"
#include "client/commands/listener.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/outcome.hpp"
#include "client/commands/output.hpp"
#include "common/exit_code.hpp"

namespace jobmill::commands {

Answer ask(Client& client, const Result<Tag>& request)
{
    if (!request) {
        return tl::unexpected<Error>(request.error());
    }
    while (true) {
        Answer event = next_event(client);
        if (!event || !*event || (tag_of(**event) == *request && is_last(**event))) {
            return event;
        }
    }
}

std::optional<int> not_answered(const CommonOptions& common, const Answer& answer,
                                std::string_view id)
{
    if (!answer) {
        return failed(answer.error());
    }
    if (!*answer) {
        return abandoned_exit_code();
    }
    if (const auto* error = std::get_if<event::JobError>(&**answer)) {
        (void)(common.json && print_json(**answer, id));
        notice(text_of_error(error->error));
        return exit_code::jobmill_failed;
    }
    return {};
}

int print_answer(const CommonOptions& common, const ClientEvent& answer, std::string_view text,
                 std::string_view id)
{
    const bool written =
        common.json ? print_json(answer, id) : write_all(standard_output, bytes_of(text));
    return written ? exit_code::ok : abandoned_exit_code();
}

}  // namespace jobmill::commands
