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

/// Until the job is accepted. All of a payload has been sent by then.
int print_number(Client& client, Tag tag, const CommonOptions& common)
{
    while (true) {
        const auto event = next_event(client);
        if (!event) {
            return failed(event.error());
        }
        if (!*event) {
            return abandoned_exit_code();
        }
        if (const auto* error = std::get_if<event::JobError>(&**event)) {
            notice(text_of_error(error->error));
            return exit_code::jobmill_failed;
        }
        const auto* accepted = std::get_if<event::Accepted>(&**event);
        if (accepted == nullptr || accepted->tag != tag) {
            continue;
        }
        const std::string line = std::to_string(number(accepted->job)) + "\n";
        const bool written = common.json ? print_json(**event, std::to_string(number(tag)))
                                         : write_all(standard_output, bytes_of(line));
        return written ? exit_code::ok : abandoned_exit_code();
    }
}

}  // namespace

int submit(const CommonOptions& common, const WorkOptions& work)
{
    auto client = open_session(common, false);
    if (!client) {
        return failed(client.error());
    }
    const auto prepared = prepare(work, client->welcome().max_payload);
    if (!prepared) {
        return failed(prepared.error());
    }
    Job job = prepared->job();
    job.detached = true;
    const auto tag = client->submit(job);
    return tag ? print_number(*client, *tag, common) : failed(tag.error());
}

}  // namespace jobmill::commands
