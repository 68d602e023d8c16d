// SPDX-License-Identifier: MIT
// The command line: words to options, options to a subcommand. The only file that includes CLI11.
#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "client/commands/common_options.hpp"
#include "client/commands/interrupts.hpp"
#include "client/commands/notice.hpp"
#include "common/exit_code.hpp"
#include "common/version.hpp"

namespace jobmill::commands {
namespace {

/// The words before "--", and those after it, which are a command's and none of ours.
struct SplitWords {
    std::vector<std::string> ours;
    std::vector<std::string> command;
    bool has_command = false;
};

SplitWords split(std::span<char* const> words)
{
    SplitWords to;
    for (const char* word : words) {
        if (to.has_command) {
            to.command.emplace_back(word);
        } else if (std::string_view{word} == "--") {
            to.has_command = true;
        } else {
            to.ours.emplace_back(word);
        }
    }
    return to;
}

class CommandLine {
public:
    CommandLine();

    [[nodiscard]] int run(const SplitWords& words);

private:
    void add_common_options();
    void add_work_options(CLI::App& command, bool payload);
    void add_job_commands();
    void add_question_commands();
    void add_daemon_commands();
    [[nodiscard]] int act();
    [[nodiscard]] SplitWords with_payload(SplitWords words);
    /// What is wrong with the words after "--"; empty when nothing is.
    [[nodiscard]] std::string check(const SplitWords& words);

    CLI::App app_{"Warm worker processes for CPU-bound jobs on one Linux machine.", "jobmill"};
    CommonOptions common_;
    WorkOptions work_;
    MapOptions map_;
    LogOptions log_;
    std::string level_;
    DemoOptions demo_;
    std::vector<std::string> ids_;
    std::vector<CLI::App*> job_commands_;
    std::vector<std::pair<CLI::App*, std::function<int()>>> actions_;
};

CommandLine::CommandLine()
{
    add_common_options();
    add_job_commands();
    add_question_commands();
    add_daemon_commands();
    app_.require_subcommand(0, 1);
    app_.footer(
        "Without a command: status. Work starts the daemon when there is none; questions do not.\n"
        "exit: 0 ok, 1 job failed or nothing affected, 2 usage, 125 jobmill itself,\n"
        "  126 not executable, 127 not found, 128+N signal N;\n"
        "  reload: 78 when the configuration is wrong;\n"
        "  map: the number of failed jobs, 101 when there are more than 100.");
}

void CommandLine::add_common_options()
{
    app_.set_version_flag("-V,--version", std::string{"jobmill "} + version);
    app_.add_option("-s,--socket", common_.socket, "the daemon's socket")->type_name("PATH");
    app_.add_flag("--json", common_.json, "print JSON lines");
    app_.add_flag("-q,--quiet", common_.quiet, "say less on standard error");
    app_.add_flag("--no-start", common_.no_start, "do not start a daemon when there is none");
    app_.fallthrough();
}

void CommandLine::add_work_options(CLI::App& command, bool payload)
{
    command.add_option("handler", work_.handler, "the handler to run; or a command after --")
        ->type_name("HANDLER");
    if (payload) {
        command
            .add_option_function<std::string>(
                "payload",
                [this](const std::string& text) {
                    work_.payload = text;
                    work_.has_payload = true;
                },
                "the job's payload; - for standard input")
            ->type_name("PAYLOAD");
        command.add_flag("-i,--stdin", work_.input, "give the command our standard input");
    }
    command.add_option("-a,--arg", work_.args, "an argument for the handler; KEY:=TEXT keeps text")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    command.add_flag("-c,--shell", work_.shell, "run the command by sh -c");
    command.add_option("-p,--pool", work_.pool, "the pool of workers")->type_name("NAME");
    command.add_option("-L,--label", work_.label, "shown in status")->type_name("TEXT");
    job_commands_.push_back(&command);
}

void CommandLine::add_job_commands()
{
    CLI::App* run = app_.add_subcommand("run", "one job: wait, print its result");
    add_work_options(*run, true);
    actions_.emplace_back(run, [this] { return commands::run(common_, work_); });

    CLI::App* map = app_.add_subcommand(
        "map", "a job per line of standard input; in a command, {} {.} {/} {#} stand for it");
    add_work_options(*map, false);
    map->add_option("-j,--jobs", map_.jobs, "unfinished jobs at once")
        ->type_name("N")
        ->check(CLI::PositiveNumber);
    map->add_flag("-k,--ordered", map_.ordered, "print results in the order of the input");
    map->add_flag("-0,--null", map_.null, "items of input end with NUL, not newline");
    map->add_flag("--tag", map_.tag, "begin each line of output with its item and a tab");
    map->add_flag("--bar", map_.bar, "show progress, on a terminal");
    actions_.emplace_back(map, [this] { return commands::map(common_, work_, map_); });

    CLI::App* submit = app_.add_subcommand("submit", "like run; print the job's number and return");
    add_work_options(*submit, true);
    actions_.emplace_back(submit, [this] { return commands::submit(common_, work_); });

    CLI::App* wait = app_.add_subcommand("wait", "print results of submitted jobs as they end");
    wait->add_option("id", ids_, "numbers of jobs")->type_name("ID")->required();
    actions_.emplace_back(wait, [this] { return commands::wait(common_, ids_); });

    CLI::App* cancel = app_.add_subcommand("cancel", "stop queued and running jobs");
    cancel->add_option("id", ids_, "numbers of jobs, or all")->type_name("ID|all")->required();
    actions_.emplace_back(cancel, [this] { return commands::cancel(common_, ids_); });
}

void CommandLine::add_question_commands()
{
    CLI::App* status = app_.add_subcommand("status", "the daemon, its pools and unfinished jobs");
    status->add_option("id", ids_, "numbers of jobs")->type_name("ID");
    actions_.emplace_back(status, [this] { return commands::status(common_, ids_); });
    CLI::App* ping = app_.add_subcommand("ping", "is the daemon there?");
    actions_.emplace_back(ping, [this] { return commands::ping(common_); });
    CLI::App* handlers = app_.add_subcommand("handlers", "what jobs can be run");
    actions_.emplace_back(handlers, [this] { return commands::handlers(common_); });
    CLI::App* socket = app_.add_subcommand("socket", "print the path of the daemon's socket");
    actions_.emplace_back(socket, [this] { return commands::socket(common_); });
}

void CommandLine::add_daemon_commands()
{
    CLI::App* daemon = app_.add_subcommand("daemon", "this user's daemon itself");
    daemon->require_subcommand(1);
    CLI::App* start = daemon->add_subcommand("start", "run jobmilld in the background");
    actions_.emplace_back(start, [this] { return daemon_start(common_); });
    CLI::App* stop = daemon->add_subcommand("stop", "stop it, and wait until it is gone");
    actions_.emplace_back(stop, [this] { return daemon_stop(common_); });
    CLI::App* status = daemon->add_subcommand("status", "does it run, since when, and by whom");
    actions_.emplace_back(status, [this] { return daemon_status(common_); });
    CLI::App* log = daemon->add_subcommand("log", "the end of what it has logged");
    log->add_option("-n,--lines", log_.lines, "so many lines")->type_name("N");
    log->add_flag("-f,--follow", log_.follow, "and what it logs from now on");
    actions_.emplace_back(log, [this] { return daemon_log(common_, log_); });
    CLI::App* level = daemon->add_subcommand("log-level", "how much it logs, or shall log");
    level->add_option("level", level_, "debug, info, warning or error")->type_name("LEVEL");
    actions_.emplace_back(level, [this] { return daemon_log_level(common_, level_); });

    CLI::App* reload = app_.add_subcommand("reload", "have it read its configuration again");
    actions_.emplace_back(reload, [this] { return commands::reload(common_); });

    CLI::App* demo = app_.add_subcommand("demo", "see it work, in half a minute");
    demo->add_flag("--chaos", demo_.chaos, "kill a busy worker in mid-run");
    demo->add_flag("--compare", demo_.compare,
                   "only the map-reduce, beside asyncio with a ProcessPoolExecutor");
    demo->add_flag("--contender", demo_.contender)->group("");
    demo->add_option("--data", demo_.data, "files of Google Books 1-grams, unpacked")
        ->type_name("FILE");
    demo->add_option("--words", demo_.words_files, "files to count words in")
        ->type_name("N")
        ->check(CLI::PositiveNumber);
    actions_.emplace_back(demo, [this] { return commands::demo(common_, demo_); });
}

std::string CommandLine::check(const SplitWords& words)
{
    const auto used = std::find_if(job_commands_.begin(), job_commands_.end(),
                                   [](const CLI::App* command) { return command->parsed(); });
    if (used == job_commands_.end()) {
        return words.has_command ? "-- and a command go with run, map and submit only" : "";
    }
    const std::string name = (*used)->get_name();
    if (words.has_command && words.command.empty()) {
        return name + ": -- wants a command after it";
    }
    if (work_.handler.empty() != words.has_command) {
        return words.has_command ? name + ": a handler or, after --, a command; not both"
                                 : name + ": want a handler, or -- and a command";
    }
    if (words.has_command && !work_.args.empty()) {
        return name + ": --arg is for handlers; a command has words of its own";
    }
    if (!words.has_command && (work_.shell || work_.input)) {
        return name + ": --shell and --stdin are for commands after --";
    }
    return "";
}

/// "run HANDLER -- WORD": the word is the payload, whatever it begins with.
SplitWords CommandLine::with_payload(SplitWords words)
{
    const bool takes_one = std::any_of(job_commands_.begin(), job_commands_.end(), [](auto* each) {
        return each->parsed() && each->get_option_no_throw("payload") != nullptr;
    });
    if (takes_one && !work_.handler.empty() && !work_.has_payload && words.command.size() == 1) {
        work_.payload = words.command.front();
        work_.has_payload = work_.payload_is_text = true;
        words.command.clear();
        words.has_command = false;
    }
    return words;
}

int CommandLine::act()
{
    for (const auto& [command, action] : actions_) {
        if (command->parsed()) {
            return action();
        }
    }
    return commands::status(common_, {});
}

int CommandLine::run(const SplitWords& words)
{
    std::vector<std::string> reversed{words.ours.rbegin(), words.ours.rend()};
    try {
        app_.parse(std::move(reversed));
    } catch (const CLI::Success& success) {
        return app_.exit(success);
    } catch (const CLI::ParseError& error) {
        notice(error.what());
        return exit_code::usage;
    }
    const SplitWords meant = with_payload(words);
    if (const std::string wrong = check(meant); !wrong.empty()) {
        notice(wrong);
        return exit_code::usage;
    }
    work_.command = meant.command;
    return act();
}

}  // namespace
}  // namespace jobmill::commands

int main(int argc, char** argv)
{
    namespace commands = jobmill::commands;
    commands::watch_interrupts();
    const std::span<char* const> words{argv, static_cast<std::size_t>(argc)};
    try {
        return commands::CommandLine{}.run(commands::split(words.subspan(argc > 0 ? 1 : 0)));
    } catch (const std::exception& error) {
        commands::notice(error.what());
        return jobmill::exit_code::jobmill_failed;
    }
}
