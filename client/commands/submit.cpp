// SPDX-License-Identifier: MIT
// submit: a detached job; print its number and leave.
#include "client/commands/follow.hpp"
#include "client/commands/json_output.hpp"
#include "client/commands/listener.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/outcome.hpp"
#include "client/commands/output.hpp"
#include "client/commands/session.hpp"
#include "common/exit_code.hpp"

namespace jobmill::commands {
namespace {

int print(const event::Accepted& accepted, const CommonOptions& common)
{
    const std::string line = std::to_string(number(accepted.job)) + "\n";
    const bool written = common.json ? print_json(accepted, std::to_string(number(accepted.tag)))
                                     : write_all(standard_output, bytes_of(line));
    if (!written && output_has_failed()) {
        notice("job " + std::to_string(number(accepted.job)) + " is submitted nevertheless");
    }
    return written ? exit_code::ok : abandoned_exit_code();
}

/// Until the job is accepted. All of a payload has been sent by then. None when the daemon stops
/// and has not taken it.
std::optional<int> print_number(Client& client, const CommonOptions& common)
{
    bool stops = false;
    while (true) {
        const auto event = next_event(client);
        if (!event && stops && event.error().code == Errc::closed) {
            return {};
        }
        if (!event) {
            return failed(event.error());
        }
        if (!*event) {
            return abandoned_exit_code();
        }
        if (const auto* error = std::get_if<event::JobError>(&**event)) {
            if (error->error.code == error_code::closing) {
                return {};
            }
            (void)(common.json && print_json(**event, std::to_string(number(error->tag))));
            notice(text_of_refusal(error->error));
            return exit_code::jobmill_failed;
        }
        if (const auto* accepted = std::get_if<event::Accepted>(&**event)) {
            return print(*accepted, common);
        }
        stops = stops || std::holds_alternative<event::Closing>(**event);
    }
}

}  // namespace

int submit(const CommonOptions& common, const WorkOptions& work)
{
    return with_job(
        common, false, work, [](NewJob& job) { job.detached = true; },
        [&](Client& client, Tag) { return print_number(client, common); });
}

}  // namespace jobmill::commands
