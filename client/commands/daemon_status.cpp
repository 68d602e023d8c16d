// SPDX-License-Identifier: MIT
// daemon status, daemon log: the daemon itself, not its jobs.
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "client/commands/daemon_facts.hpp"
#include "client/commands/follow.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/outcome.hpp"
#include "client/commands/output.hpp"
#include "client/commands/session.hpp"
#include "client/socket_holder.hpp"
#include "client/user_unit.hpp"
#include "common/exit_code.hpp"
#include "common/json_writer.hpp"
#include "common/places.hpp"
#include "common/utf8.hpp"

namespace jobmill::commands {
namespace {

/// What is known without disturbing anything: where a unit listens, connecting would start a
/// daemon.
struct Findings {
    std::string socket;
    std::optional<UserUnit> unit;
    pid_t pid = 0;  ///< 0: none runs
    std::string server;
    double uptime_ms = 0;
    DaemonFacts facts;

    [[nodiscard]] bool runs() const noexcept { return pid > 0; }
    [[nodiscard]] bool by_unit() const noexcept { return unit && unit->runs(pid); }
};

Result<void> ask(Findings& findings)
{
    if (findings.unit && findings.unit->socket_active && findings.unit->main_pid == 0) {
        return {};
    }
    auto client = Client::connect(findings.socket, {.name = "jobmill"});
    if (!client) {
        return client.error().code == Errc::not_found ? Result<void>{}
                                                      : tl::unexpected<Error>(client.error());
    }
    findings.pid = static_cast<pid_t>(client->welcome().pid);
    findings.server = client->welcome().server;
    findings.facts = facts_of(*client);
    JOBMILL_TRY_ASSIGN(const Tag tag, client->status());
    JOBMILL_TRY_ASSIGN(const ClientEvent answer, client->answer(tag));
    if (const auto* status = std::get_if<event::Status>(&answer)) {
        findings.uptime_ms = status->body.real_at("uptime_ms");
    }
    return {};
}

Result<Findings> look(const CommonOptions& common)
{
    Findings findings{.socket = socket_path(common)};
    const Surroundings place = current_surroundings();
    if (findings.socket == own_socket_path(place)) {
        findings.unit = find_user_unit(place.runtime_dir);
    }
    JOBMILL_TRY(ask(findings));
    return findings;
}

std::string usual_log()
{
    return user_state_dir(current_surroundings()) + "/daemon.log";
}

std::string starter_of(const Findings& findings)
{
    if (findings.by_unit()) {
        return std::string{"unit "} + service_unit;
    }
    if (!findings.facts.readable) {
        return "another user, or out of sight";
    }
    return findings.facts.started_by.empty() ? "hand" : findings.facts.started_by;
}

std::string log_of(const Findings& findings)
{
    if (findings.by_unit()) {
        return std::string{"journalctl --user -u "} + service_unit;
    }
    return findings.runs() ? findings.facts.output : usual_log();
}

std::string unit_text(const UserUnit& unit)
{
    if (!unit.service_installed) {
        return "not installed";
    }
    return unit.service_state + (unit.enabled ? ", enabled" : ", not enabled") +
           (unit.socket_active ? ", jobmilld.socket listens" : "");
}

std::string not_serving(const std::string& socket)
{
    const auto holder = socket_holder(socket);
    return holder ? "jobmilld (pid " + std::to_string(*holder) +
                        ") takes no clients: it starts, or finishes its jobs before it leaves"
                  : "no daemon runs";
}

std::string text_of_findings(const Findings& findings)
{
    const auto line = [](const std::string& name, const std::string& value) {
        return value.empty() ? "" : name + std::string(12 - name.size(), ' ') + value + "\n";
    };
    std::string text =
        findings.runs()
            ? findings.server + "  pid " + std::to_string(findings.pid) + "  up " +
                  age_text(findings.uptime_ms) + "\n" + line("started by", starter_of(findings))
            : not_serving(findings.socket) + (findings.unit && findings.unit->socket_active
                                                  ? "; the next client starts it\n"
                                                  : "\n");
    text += line("socket", findings.socket);
    if (findings.runs() && findings.facts.readable) {
        text += line("config",
                     findings.facts.config.empty() ? "none: defaults" : findings.facts.config);
        text += line("idle", findings.facts.idle_timeout.empty()
                                 ? ""
                                 : "leaves after " + findings.facts.idle_timeout +
                                       " without clients and jobs");
    }
    text += line("log", log_of(findings));
    return text + (findings.unit ? line("unit", unit_text(*findings.unit)) : "");
}

Bytes json_of(const Findings& findings)
{
    Bytes text;
    JsonWriter json{text};
    json.begin_object().key("running").boolean(findings.runs());
    const auto member = [&](const char* name, const std::string& value) {
        if (!value.empty()) {
            json.key(name).text(escaped(value));
        }
    };
    if (findings.runs()) {
        json.key("pid").integer(findings.pid);
        json.key("uptime_ms").real(findings.uptime_ms, 0);
        member("server", findings.server);
        member("started_by", starter_of(findings));
        member("config", findings.facts.config);
        member("idle_timeout", findings.facts.idle_timeout);
    }
    member("socket", findings.socket);
    member("log", log_of(findings));
    if (findings.unit) {
        member("unit", unit_text(*findings.unit));
    }
    json.end_object();
    append(text, "\n");
    return text;
}

/// Becomes that program.
int become(std::vector<std::string> words)
{
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    // Ignored by us, and what is ignored would stay so.
    (void)::signal(SIGPIPE, SIG_DFL);
    (void)::execvp(argv.front(), argv.data());
    return failed({Errc::system, fail_errno("executing " + words.front(), errno).value().what});
}

}  // namespace

int daemon_status(const CommonOptions& common)
{
    const auto findings = look(common);
    if (!findings) {
        return gave_up(findings.error());
    }
    const bool written = common.json
                             ? write_all(standard_output, json_of(*findings))
                             : write_all(standard_output, bytes_of(text_of_findings(*findings)));
    if (!written) {
        return abandoned_exit_code();
    }
    return findings->runs() ? exit_code::ok : exit_code::job_failed;
}

int daemon_log(const CommonOptions& common, const LogOptions& options)
{
    const auto findings = look(common);
    // A daemon that does not answer is when its log is wanted most.
    const Findings none{.socket = socket_path(common)};
    const Findings& found = findings ? *findings : none;
    const std::string lines = std::to_string(options.lines);
    const bool file_there = ::access(usual_log().c_str(), R_OK) == 0;
    const bool unit_only = !found.runs() && found.unit && found.unit->installed() && !file_there;
    if (found.by_unit() || unit_only) {
        std::vector<std::string> words{"journalctl", "--user",     "--quiet",         "--no-pager",
                                       "--unit",     service_unit, "--lines=" + lines};
        if (options.follow) {
            words.emplace_back("--follow");
        }
        return become(std::move(words));
    }
    if (found.runs() && !logs_to_file(found.facts)) {
        return failed({Errc::not_found,
                       !found.facts.readable
                           ? "the daemon is another user's, or out of sight; the system's log is "
                             "read with: journalctl -u jobmilld"
                           : "the daemon's log goes to " + found.facts.output});
    }
    const std::string path = found.runs() ? found.facts.output : usual_log();
    if (!found.runs() && !file_there) {
        return failed({Errc::not_found, "there is no log yet: " + path});
    }
    std::vector<std::string> words{"tail", "--lines=" + lines};
    if (options.follow) {
        // By its name: the next daemon may put a long log aside.
        words.emplace_back("--follow=name");
        words.emplace_back("--retry");
    }
    words.emplace_back("--");
    words.push_back(path);
    return become(std::move(words));
}

}  // namespace jobmill::commands
