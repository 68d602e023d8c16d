// SPDX-License-Identifier: MIT
// daemon start, daemon stop.
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>

#include "client/commands/daemon_facts.hpp"
#include "client/commands/follow.hpp"
#include "client/commands/interrupts.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/output.hpp"
#include "client/commands/session.hpp"
#include "client/commands/stop_process.hpp"
#include "client/socket_holder.hpp"
#include "client/starter.hpp"
#include "client/user_unit.hpp"
#include "common/exit_code.hpp"
#include "common/json_writer.hpp"
#include "common/places.hpp"

namespace jobmill::commands {
namespace {

constexpr std::chrono::seconds stop_patience{60};

int say(ByteView line)
{
    return write_all(standard_output, line) ? exit_code::ok : abandoned_exit_code();
}

int say(const std::string& text)
{
    return say(bytes_of(text + "\n"));
}

std::string where(const Client& client, const std::string& socket)
{
    return client.welcome().server + "  pid " + std::to_string(client.welcome().pid) + "  " +
           socket;
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

std::string user_name()
{
    std::array<char, 4096> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    return ::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
                   found != nullptr
               ? found->pw_name
               : std::to_string(::getuid());
}

/// At the last logout the login manager takes a user's services and runtime directory away.
void warn_of_logout()
{
    const std::string user = user_name();
    if (lingers(user) == false) {
        notice("it ends when you log out; what keeps it: loginctl enable-linger " + user);
    }
}

/// The unit that runs the daemon of this socket, or listens for it.
std::optional<UserUnit> unit_of(const std::string& socket)
{
    const Surroundings place = current_surroundings();
    const auto unit = socket == own_socket_path(place) ? find_user_unit(place.runtime_dir)
                                                       : std::optional<UserUnit>{};
    return unit && (unit->main_pid > 0 || unit->socket_active) ? unit : std::nullopt;
}

/// It cancels those that wait, and gives others their time, while nothing is to be seen.
void warn_of_jobs(Client& client, const CommonOptions& common)
{
    const std::size_t jobs = common.quiet ? 0 : unfinished_jobs(client);
    if (jobs > 0) {
        notice(std::to_string(jobs) + (jobs == 1 ? " job is" : " jobs are") +
               " unfinished; those that run are given the daemon's drain_timeout");
    }
}

/// {"stopped":true,"pid":7,...}
Bytes stopped_line(pid_t pid, const std::function<void(JsonWriter&)>& add)
{
    Bytes line;
    JsonWriter json{line};
    json.begin_object().key("stopped").boolean(true);
    if (pid > 0) {
        json.key("pid").integer(pid);
    }
    add(json);
    json.end_object();
    append(line, "\n");
    return line;
}

/// Stopping the process alone would not do: the unit starts it again.
int stop_unit(const CommonOptions& common, const UserUnit& unit, const std::string& socket)
{
    if (unit.main_pid > 0) {
        if (auto client = Client::connect(socket)) {
            warn_of_jobs(*client, common);
        }
    }
    for (const char* each : {socket_unit, service_unit}) {
        if (each == service_unit || unit.socket_active) {
            if (const auto stopped = control_user_unit("stop", each, stop_patience); !stopped) {
                return failed(stopped.error());
            }
        }
    }
    if (common.json) {
        return say(stopped_line(unit.main_pid,
                                [](JsonWriter& json) { json.key("unit").text(service_unit); }));
    }
    std::string line = "stopped: " + std::string{service_unit};
    line += unit.main_pid > 0 ? " (pid " + std::to_string(unit.main_pid) + ")" : "";
    line += unit.socket_active ? std::string{" and "} + socket_unit : "";
    if (unit.enabled) {
        line +=
            "; your next login starts it again, unless: systemctl --user disable jobmilld.service";
        line += unit.socket_installed ? std::string{" "} + socket_unit : "";
    }
    return say(line);
}

int refuse_stop(const Error& error, const std::string& socket)
{
    return failed(error.code == Errc::not_allowed && socket == system_socket_path
                      ? Error{Errc::not_allowed,
                              "this is the system's daemon; who may stop it "
                              "does so with: systemctl stop jobmilld"}
                      : error);
}

/// Tells the process to stop, waits for it, and says how it went.
int report_stop(const CommonOptions& common, const FoundDaemon& daemon, const std::string& socket)
{
    const auto start = std::chrono::steady_clock::now();
    const auto stopped = stop_process(daemon, stop_patience);
    if (!stopped) {
        return refuse_stop(stopped.error(), socket);
    }
    const pid_t pid = daemon.pid;
    if (!*stopped) {
        notice("jobmilld (pid " + std::to_string(pid) + ") still waits for its jobs to end");
        return exit_code::jobmill_failed;
    }
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    if (common.json) {
        return say(stopped_line(
            pid, [&](JsonWriter& json) { json.key("took_ms").integer(took.count()); }));
    }
    return say("stopped: pid " + std::to_string(pid) + " in " + std::to_string(took.count()) +
               " ms");
}

}  // namespace

int daemon_start(const CommonOptions& common)
{
    const std::string socket = socket_path(common);
    if (const auto running = Client::connect(socket)) {
        if (common.json) {
            return daemon_status(common);
        }
        const DaemonFacts facts = facts_of(*running);
        return say("already running: " + where(*running, socket) +
                   (facts.idle_timeout.empty()
                        ? ""
                        : "  (leaves after " + facts.idle_timeout + " without work)"));
    }
    StartRequest request{.socket = socket, .started_by = "jobmill daemon start"};
    request.options.cancel_fd = interrupt_fd();
    request.options.idle_timeout.clear();
    if (!common.quiet) {
        request.options.on_slow = [](const std::string& line) { notice(line); };
    }
    const auto report = ensure_daemon(std::move(request));
    if (!report) {
        return gave_up(report.error());
    }
    const auto client = Client::connect(socket);
    if (!client) {
        return gave_up(client.error());
    }
    using How = StartReport::How;
    if (!common.quiet && report->how != How::was_there) {
        warn_of_logout();
    }
    if (common.json) {
        return daemon_status(common);
    }
    const std::string how = report->how == How::was_there ? "already running: " : "started: ";
    return say(how + where(*client, socket) +
               (report->how == How::process ? "  log " + report->log_path : "") +
               (report->how == How::unit ? "  unit " + report->unit : ""));
}

int daemon_stop(const CommonOptions& common)
{
    const std::string socket = socket_path(common);
    // Before anything connects: where a unit listens, that would start a daemon.
    if (const auto unit = unit_of(socket)) {
        return stop_unit(common, *unit, socket);
    }
    auto client = Client::connect(socket);
    if (!client) {
        // One that loads its modules or finishes its jobs does not answer, and can be ended.
        if (const auto holder = find_socket_holder(socket)) {
            notice("jobmilld (pid " + std::to_string(holder->pid) +
                   ") starts or stops already; it is told to stop now");
            return report_stop(common, *holder, socket);
        }
        if (client.error().code != Errc::not_found) {
            return failed(client.error());
        }
        notice("no daemon runs at " + socket);
        return exit_code::job_failed;
    }
    const auto own_pid = static_cast<pid_t>(client->welcome().pid);
    const auto daemon = find_peer_daemon(client->fd(), own_pid);
    if (!daemon) {
        return refuse_stop(
            {Errc::not_allowed, "the process of the daemon at " + socket +
                                    " cannot be seen from here, like one in a container: "
                                    "stop it where it is pid " +
                                    std::to_string(own_pid)},
            socket);
    }
    warn_of_jobs(*client, common);
    return report_stop(common, *daemon, socket);
}

}  // namespace jobmill::commands
