// SPDX-License-Identifier: MIT
// ping: is the daemon there, and how far away is it? socket: where would it be?
#include "client/commands/ask.hpp"
#include "client/commands/follow.hpp"
#include "client/commands/outcome.hpp"
#include "client/commands/output.hpp"
#include "client/commands/session.hpp"
#include "common/exit_code.hpp"
#include "common/json_writer.hpp"

namespace jobmill::commands {

int ping(const CommonOptions& common)
{
    auto client = open_session(common, false);
    if (!client) {
        return gave_up(client.error());
    }
    const auto start = std::chrono::steady_clock::now();
    const Answer pong = ask(*client, client->ping());
    if (const auto code = not_answered(common, pong)) {
        return *code;
    }
    const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - start;
    const std::string line = client->welcome().server + "  pid " +
                             std::to_string(client->welcome().pid) + "  " +
                             duration_text(static_cast<std::uint64_t>(took.count())) + "\n";
    return print_answer(common, **pong, line, std::to_string(number(tag_of(**pong))));
}

int socket(const CommonOptions& common)
{
    const std::string path = socket_path(common);
    Bytes line;
    if (common.json) {
        JsonWriter{line}.begin_object().key("socket").text(path).end_object();
    } else {
        append(line, path);
    }
    append(line, "\n");
    return write_all(standard_output, line) ? exit_code::ok : abandoned_exit_code();
}

}  // namespace jobmill::commands
