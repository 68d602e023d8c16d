// SPDX-License-Identifier: MIT
#include "client/commands/session.hpp"

#include <poll.h>

#include <charconv>
#include <limits>
#include <unordered_set>

#include "client/commands/arguments.hpp"
#include "client/commands/follow.hpp"
#include "client/commands/interrupts.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/output.hpp"
#include "client/commands/placeholders.hpp"
#include "client/socket_holder.hpp"
#include "client/starter.hpp"

namespace jobmill::commands {
namespace {

constexpr std::chrono::minutes stop_patience{10};
constexpr int holder_pause_ms = 20;
/// Each as long as a connection waits for its welcome: ten minutes.
constexpr int most_waits = 120;

/// Somebody listens, and says nothing; and nobody has asked us to leave.
bool no_answer(const Result<Client>& client)
{
    return !client && client.error().code == Errc::system && interrupted() == 0;
}

}  // namespace

std::string socket_path(const CommonOptions& common)
{
    return common.socket.empty() ? Client::default_path() : common.socket;
}

Result<Client> open_session(const CommonOptions& common, bool stream_parts, Start start)
{
    // Copied, whatever its size: who reads a mapped file that becomes shorter meanwhile is killed.
    const Client::Options options{.name = "jobmill",
                                  .stream_parts = stream_parts,
                                  .kept_blobs = std::numeric_limits<std::size_t>::max(),
                                  .cancel_fd = interrupt_fd()};
    const std::string socket = socket_path(common);
    if (start == Start::yes && !common.no_start && may_start(socket)) {
        StartRequest request{.socket = socket, .started_by = "jobmill"};
        request.options.cancel_fd = interrupt_fd();
        if (!common.quiet) {
            request.options.on_slow = [](const std::string& line) { notice(line); };
        }
        return connect_or_start(std::move(request), options);
    }
    Result<Client> client = Client::connect(socket, options);
    // Where a service manager listens, a daemon that finishes its jobs before it stops keeps who
    // brings the next ones waiting.
    for (int i = 0; i < most_waits && start == Start::yes && no_answer(client); ++i) {
        if (i == 0 && !common.quiet) {
            notice("waiting for the daemon at " + socket);
        }
        client = Client::connect(socket, options);
    }
    return client;
}

int gave_up(const Error& error)
{
    return interrupted() != 0 ? abandoned_exit_code() : failed(error);
}

Result<Client> next_session(const CommonOptions& common, bool stream_parts, Client stopping,
                            Start start)
{
    const std::string socket = socket_path(common);
    const auto pid = static_cast<pid_t>(stopping.welcome().pid);
    // It may wait for its sessions to end.
    {
        const Client ended{std::move(stopping)};
    }
    // Where a service manager listens, the next session waits for the next daemon by itself. A
    // daemon that listens itself might take us once more before it goes.
    const auto deadline = std::chrono::steady_clock::now() + stop_patience;
    while (socket_holder(socket) == pid && std::chrono::steady_clock::now() < deadline) {
        pollfd interrupt{interrupt_fd(), POLLIN, 0};
        if (::poll(&interrupt, 1, holder_pause_ms) > 0) {
            return fail(Errc::closed, "interrupted");
        }
    }
    return open_session(common, stream_parts, start);
}

NewJob PreparedJob::job() const
{
    return {.handler = handler,
            .payload = payload.view(),
            .args = args,
            .pool = pool,
            .label = label,
            .options = options};
}

Result<PreparedJob> prepare(const WorkOptions& work, std::uint64_t most)
{
    PreparedJob prepared{.handler = work.handler,
                         .label = work.label,
                         .pool = work.pool,
                         .options = work.options,
                         .args = {},
                         .payload = {}};
    const bool from_input =
        work.input || (work.has_payload && work.payload == "-" && !work.payload_is_text);
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
    JOBMILL_TRY_ASSIGN(const CommandPlace place, current_place());
    const std::vector<std::string> words =
        work.shell ? shell_words(joined(work.command)) : work.command;
    JOBMILL_TRY_ASSIGN(prepared.args, command_arguments(words, place));
    if (prepared.label.empty()) {
        prepared.label = label_of(work.command);
    }
    return prepared;
}

namespace {

/// `use` is called again with the next daemon when it answers no exit code.
int with_session(const CommonOptions& common, bool stream_parts,
                 const std::function<std::optional<int>(Client&)>& use)
{
    auto client = open_session(common, stream_parts, Start::yes);
    for (int i = 0; i < most_daemons && client; ++i) {
        if (const std::optional<int> code = use(*client)) {
            return *code;
        }
        client = next_session(common, stream_parts, std::move(*client), Start::yes);
    }
    return gave_up(client ? Error{Errc::closed, "the daemon stops and takes no jobs"}
                          : client.error());
}

}  // namespace

int with_job(const CommonOptions& common, bool stream_parts, const WorkOptions& work,
             const std::function<void(NewJob&)>& change,
             const std::function<std::optional<int>(Client&, Tag)>& then)
{
    std::optional<PreparedJob> prepared;  // once: standard input cannot be read again
    return with_session(common, stream_parts, [&](Client& client) -> std::optional<int> {
        if (!prepared) {
            auto made = prepare(work, client.welcome().max_payload);
            if (!made) {
                return gave_up(made.error());
            }
            prepared = std::move(*made);
        }
        if (interrupted() != 0) {
            return abandoned_exit_code();
        }
        NewJob job = prepared->job();
        change(job);
        const auto tag = client.submit(job);
        if (!tag && tag.error().code != Errc::closed) {
            return failed(tag.error());
        }
        return tag ? then(client, *tag) : std::nullopt;
    });
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

Result<std::vector<JobId>> parse_jobs(const std::vector<std::string>& words)
{
    std::vector<JobId> jobs;
    std::unordered_set<JobId> seen;
    for (const std::string& word : words) {
        JOBMILL_TRY_ASSIGN(const JobId job, parse_job(word));
        if (seen.insert(job).second) {
            jobs.push_back(job);
        }
    }
    return jobs;
}

}  // namespace jobmill::commands
