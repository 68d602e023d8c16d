// SPDX-License-Identifier: MIT
#include "client/commands/session.hpp"

#include <charconv>

#include "client/commands/arguments.hpp"
#include "client/commands/output.hpp"
#include "client/commands/placeholders.hpp"

namespace jobmill::commands {

std::string socket_path(const CommonOptions& common)
{
    return common.socket.empty() ? Client::default_path() : common.socket;
}

Result<Client> open_session(const CommonOptions& common, bool stream_parts)
{
    return Client::connect(socket_path(common), {.name = "jobmill", .stream_parts = stream_parts});
}

Job PreparedJob::job() const
{
    return {
        .handler = handler, .payload = payload.view(), .args = args, .pool = pool, .label = label};
}

Result<PreparedJob> prepare(const WorkOptions& work, std::uint64_t most)
{
    PreparedJob prepared{
        .handler = work.handler, .label = work.label, .pool = work.pool, .args = {}, .payload = {}};
    const bool from_input = work.input || (work.has_payload && work.payload == "-");
    if (from_input) {
        JOBMILL_TRY_ASSIGN(prepared.payload, Payload::from(standard_input, most));
    } else if (work.has_payload) {
        const ByteView bytes = bytes_of(work.payload);
        prepared.payload = Payload{Bytes{bytes.begin(), bytes.end()}};
    }
    if (!work.handler.empty()) {
        JOBMILL_TRY_ASSIGN(prepared.args, parse_arguments(work.args));
        return prepared;
    }
    prepared.handler = command_handler;
    JOBMILL_TRY_ASSIGN(const std::string directory, current_directory());
    const std::vector<std::string> words =
        work.shell ? shell_words(joined(work.command)) : work.command;
    JOBMILL_TRY_ASSIGN(prepared.args, command_arguments(words, directory, current_environment()));
    if (prepared.label.empty()) {
        prepared.label = label_of(work.command);
    }
    return prepared;
}

Result<JobId> parse_job(const std::string& word)
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc{} || end != word.data() + word.size() || value == 0) {
        return fail(Errc::invalid, "\"" + word + "\" is not the number of a job");
    }
    return JobId{value};
}

}  // namespace jobmill::commands
