// SPDX-License-Identifier: MIT
// daemon start, daemon stop.
#include <algorithm>

#include "client/commands/daemon_process.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/output.hpp"
#include "client/commands/session.hpp"
#include "common/exit_code.hpp"
#include "common/places.hpp"

namespace jobmill::commands {
namespace {

constexpr std::chrono::seconds start_patience{20};
constexpr std::chrono::seconds stop_patience{60};

int say(const std::string& line)
{
    return write_all(standard_output, bytes_of(line + "\n")) ? exit_code::ok
                                                             : exit_code::jobmill_failed;
}

std::string where(const Client& client, const std::string& socket)
{
    return client.welcome().server + "  pid " + std::to_string(client.welcome().pid) + "  " +
           socket;
}

std::string jobs_text(std::size_t count)
{
    return std::to_string(count) + (count == 1 ? " job" : " jobs");
}

/// Unfinished jobs, as far as the daemon tells us; with what happens to them.
std::size_t unfinished_jobs(Client& client)
{
    const auto tag = client.status();
    const auto answer = tag ? client.answer(*tag) : Result<ClientEvent>{tl::unexpect, tag.error()};
    const auto* status = answer ? std::get_if<event::Status>(&*answer) : nullptr;
    const Value* jobs = status == nullptr ? nullptr : status->body.find("jobs");
    const Array* list = jobs == nullptr ? nullptr : jobs->array();
    if (list == nullptr) {
        return 0;
    }
    const std::int64_t unlisted = status->body.integer_at("more_jobs");
    const auto live = std::count_if(list->begin(), list->end(), [](const Value& job) {
        const std::string_view state = job.text_at("state");
        return state == "running" || state == "queued" || state == "waiting";
    });
    return static_cast<std::size_t>(std::max<std::int64_t>(0, unlisted) + live);
}

}  // namespace

int daemon_start(const CommonOptions& common)
{
    const std::string socket = socket_path(common);
    if (const auto checked = check_socket_path(socket); !checked) {
        return failed(checked.error());
    }
    if (const auto running = Client::connect(socket)) {
        return say("already running: " + where(*running, socket));
    }
    const std::string state = user_state_dir(current_surroundings());
    if (const auto made = make_private_directory(state); !made) {
        return failed(made.error());
    }
    const std::string log = state + "/daemon.log";
    const auto pid =
        start_daemon({.socket = socket, .options = {}, .log_path = log}, start_patience);
    if (!pid) {
        // Another start may have been faster.
        if (const auto running = Client::connect(socket)) {
            return say("already running: " + where(*running, socket));
        }
        return failed(pid.error());
    }
    const auto client = Client::connect(socket);
    if (!client) {
        return failed(client.error());
    }
    return say("started: " + where(*client, socket) + "  log " + log);
}

int daemon_stop(const CommonOptions& common)
{
    const std::string socket = socket_path(common);
    auto client = Client::connect(socket);
    if (!client) {
        notice(client.error().code == Errc::not_found ? "no daemon runs at " + socket
                                                      : client.error().what);
        return client.error().code == Errc::not_found ? exit_code::job_failed
                                                      : exit_code::jobmill_failed;
    }
    const auto pid = static_cast<pid_t>(client->welcome().pid);
    const std::size_t jobs = unfinished_jobs(*client);
    const auto start = std::chrono::steady_clock::now();
    const auto stopped = stop_process(pid, stop_patience);
    if (!stopped) {
        return failed(stopped.error());
    }
    if (!*stopped) {
        notice("jobmilld (pid " + std::to_string(pid) + ") still waits for its jobs to end");
        return exit_code::jobmill_failed;
    }
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    if (jobs > 0) {
        notice(jobs_text(jobs) + " had not finished");
    }
    return say("stopped: pid " + std::to_string(pid) + " in " + std::to_string(took.count()) +
               " ms");
}

}  // namespace jobmill::commands
