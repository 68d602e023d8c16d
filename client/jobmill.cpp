// SPDX-License-Identifier: MIT
// The command line: words to options, options to a subcommand.
#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "client/cli_parts.hpp"
#include "client/commands/arguments.hpp"
#include "client/commands/common_options.hpp"
#include "client/commands/follow.hpp"
#include "client/commands/interrupts.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/output.hpp"
#include "client/commands/placeholders.hpp"
#include "client/commands/split_words.hpp"
#include "common/exit_code.hpp"
#include "common/nearest.hpp"
#include "common/version.hpp"

namespace jobmill::commands {
namespace {

class CommandLine {
public:
    CommandLine();

    [[nodiscard]] int run(const SplitWords& words);

private:
    void add_common_options();
    void add_work_options(CLI::App& command, bool payload);
    void add_job_options(CLI::App& command);
    void add_log_options(CLI::App& map);
    void add_wait_options(CLI::App& wait);
    void add_job_commands();
    void add_question_commands();
    void add_daemon_commands();
    [[nodiscard]] int act();
    [[nodiscard]] SplitWords with_payload(SplitWords words);
    /// What the parser found wrong, and where to read how it is right.
    [[nodiscard]] std::string explain(const CLI::ParseError& error) const;
    /// What is wrong with the words after "--"; empty when nothing is.
    [[nodiscard]] std::string check(const SplitWords& words);

    CLI::App app_{"Warm worker processes for CPU-bound jobs on one Linux machine.", "jobmill"};
    CommonOptions common_;
    WorkOptions work_;
    MapOptions map_;
    WaitOptions wait_;
    CancelOptions cancel_;
    SetOptions set_;
    LogOptions log_;
    std::string level_;
    BenchOptions bench_;
    DemoOptions demo_;
    std::vector<std::string> ids_;
    std::vector<CLI::App*> job_commands_;
    std::vector<std::pair<CLI::App*, std::function<int()>>> actions_;
};

CommandLine::CommandLine()
{
    app_.formatter(std::make_shared<HelpFormat>());
    add_common_options();
    add_job_commands();
    add_question_commands();
    add_daemon_commands();
    app_.require_subcommand(0, 1);
    app_.footer(
        "Without a command: status. Work starts the daemon when there is none; questions do not.\n"
        "exit: 0 ok, 1 job failed or nothing affected, 2 usage, 124 its time was over,\n"
        "  125 jobmill itself, 126 not executable, 127 not found, 128+N signal N;\n"
        "  reload: 78 when the configuration is wrong;\n"
        "  map: the number of failed jobs, 101 when there are more than 100.");
}

void CommandLine::add_common_options()
{
    app_.set_version_flag("-V,--version", std::string{"jobmill "} + version);
    app_.add_option("-s,--socket", common_.socket, "the daemon's socket")
        ->type_name("PATH")
        ->check(not_empty);
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
    add_name(command, "-p,--pool", work_.pool, "the pool of workers");
    command.add_option("-L,--label", work_.label, "shown in status")->type_name("TEXT");
    add_job_options(command);
    job_commands_.push_back(&command);
}

void CommandLine::add_job_options(CLI::App& command)
{
    for (const JobOptionRow& row : job_option_table()) {
        add_word(command, row.names, work_.words.*row.word, row.help)
            ->type_name(row.value)
            ->group(row.group);
    }
}

void CommandLine::add_log_options(CLI::App& map)
{
    constexpr auto group = "Job log";
    using Past = MapOptions::Past;
    CLI::Option* log = map.add_option("--joblog", map_.job_log, "a line for each job that ended")
                           ->type_name("FILE")
                           ->check(not_empty)
                           ->group(group);
    const auto add = [&](const char* name, Past past, const char* help) {
        return map
            .add_flag_callback(
                name, [this, past] { map_.past = past; }, help)
            ->needs(log)
            ->group(group);
    };
    CLI::Option* resume =
        add("--resume", Past::resume, "skip what has ended by the log; the same input again");
    CLI::Option* resume_failed =
        add("--resume-failed", Past::resume_failed, "skip what has succeeded by the log");
    CLI::Option* retry = add("--retry-failed", Past::retry_failed,
                             "run what failed by the log, as it stands there; without input");
    resume->excludes(resume_failed)->excludes(retry);
    resume_failed->excludes(retry);
}

void CommandLine::add_wait_options(CLI::App& wait)
{
    using Until = WaitOptions::Until;
    wait.add_option("id", wait_.ids, "numbers of jobs")->type_name("ID")->required();
    const auto add = [&](const char* name, Until until, const char* help) {
        return wait.add_flag_callback(
            name, [this, until] { wait_.until = until; }, help);
    };
    CLI::Option* all =
        add("--all", Until::all, "until all have ended: 1 when one failed, as without an option");
    CLI::Option* any = add("--any", Until::any, "until one has ended: its code");
    CLI::Option* first = add("--first-failure", Until::first_failure,
                             "until one has failed: its code; or all have succeeded: 0");
    all->excludes(any)->excludes(first);
    any->excludes(first);
}

void CommandLine::add_job_commands()
{
    const auto add = [this](const char* name, const char* help) {
        return app_.add_subcommand(name, help)->group("Jobs");
    };
    CLI::App* run = add("run", "one job: wait, print its result");
    add_work_options(*run, true);
    actions_.emplace_back(run, [this] { return commands::run(common_, work_); });

    CLI::App* map =
        add("map", "a job per line of standard input: {} {.} {/} {/.} {//} {#} in a command");
    add_work_options(*map, false);
    map->add_option("-j,--jobs", map_.jobs, "unfinished jobs at once")
        ->type_name("N")
        ->check(not_a_count);
    map->add_flag("-k,--ordered", map_.ordered, "print results in the order of the input");
    map->add_flag("-0,--null", map_.null, "items of input end with NUL, not newline");
    map->add_flag("--tag", map_.tag, "begin each line of output with its item and a tab");
    map->add_flag("--bar", map_.bar, "show progress, on a terminal");
    add_log_options(*map);
    actions_.emplace_back(map, [this] { return commands::map(common_, work_, map_); });

    CLI::App* submit = add("submit", "like run; print the job's number and return");
    add_work_options(*submit, true);
    actions_.emplace_back(submit, [this] { return commands::submit(common_, work_); });

    CLI::App* wait = add("wait", "print results of submitted jobs as they end");
    add_wait_options(*wait);
    actions_.emplace_back(wait, [this] { return commands::wait(common_, wait_); });

    CLI::App* cancel = add("cancel", "stop waiting, queued and running jobs");
    cancel->add_option("id", cancel_.ids, "numbers of jobs, or all")->type_name("ID|all");
    add_name(*cancel, "-b,--batch", cancel_.batch, "the jobs of a batch");
    cancel->add_option("-L,--label", cancel_.label, "the jobs of a label")
        ->type_name("TEXT")
        ->check(not_empty);
    cancel->add_flag("--queued", cancel_.queued, "only those that do not run");
    actions_.emplace_back(cancel, [this] { return commands::cancel(common_, cancel_); });

    CLI::App* retry = add("retry", "submit anew what was set aside; print the numbers");
    retry->add_option("id", ids_, "numbers of jobs")->type_name("ID")->required();
    actions_.emplace_back(retry, [this] { return commands::retry(common_, ids_); });
}

void CommandLine::add_question_commands()
{
    const auto add = [this](const char* name, const char* help) {
        return app_.add_subcommand(name, help)->group("Questions");
    };
    CLI::App* status = add("status", "the daemon, its pools and unfinished jobs");
    status->add_option("id", ids_, "numbers of jobs")->type_name("ID");
    actions_.emplace_back(status, [this] { return commands::status(common_, ids_); });
    CLI::App* ping = add("ping", "is the daemon there?");
    actions_.emplace_back(ping, [this] { return commands::ping(common_); });
    CLI::App* handlers = add("handlers", "what jobs can be run");
    actions_.emplace_back(handlers, [this] { return commands::handlers(common_); });
    CLI::App* socket = add("socket", "print the path of the daemon's socket");
    actions_.emplace_back(socket, [this] { return commands::socket(common_); });
}

void CommandLine::add_daemon_commands()
{
    const auto add = [this](const char* name, const char* help) {
        return app_.add_subcommand(name, help)->group("The daemon");
    };
    CLI::App* daemon = add("daemon", "this user's daemon itself");
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

    CLI::App* reload = add("reload", "have it read its configuration again");
    actions_.emplace_back(reload, [this] { return commands::reload(common_); });

    CLI::App* set = add("set", "how much may run: of a pool, of a label, or of all");
    CLI::Option* pool = add_name(*set, "-p,--pool", set_.pool, "of this pool");
    set->add_option("-L,--label", set_.label, "of this label")
        ->type_name("TEXT")
        ->check(not_empty)
        ->excludes(pool);
    add_word(*set, "--max-running", set_.max_running, "so many jobs at once")
        ->type_name("N|unlimited");
    add_word(*set, "--weight", set_.weight, "its share beside others, 1 to 1000")->type_name("N");
    actions_.emplace_back(set, [this] { return commands::set(common_, set_); });

    CLI::App* bench = add("bench", "how fast the daemon is, in five seconds");
    bench->add_option("--handler", bench_.handler, "the jobs' handler: echo")->type_name("NAME");
    add_name(*bench, "-p,--pool", bench_.pool, "the pool of workers");
    actions_.emplace_back(bench, [this] { return commands::bench(common_, bench_); });

    CLI::App* demo = add("demo", "see it work, in half a minute");
    demo->add_flag("--chaos", demo_.chaos, "kill a busy worker in mid-run");
    demo->add_flag("--compare", demo_.compare,
                   "only the map-reduce, beside asyncio with a ProcessPoolExecutor");
    demo->add_flag("--contender", demo_.contender)->group("");
    demo->add_option("--data", demo_.data, "files of Google Books 1-grams, unpacked")
        ->type_name("FILE");
    demo->add_option("--words", demo_.words_files, "files to count words in")
        ->type_name("N")
        ->check(not_a_count);
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
    const bool from_log = map_.past == MapOptions::Past::retry_failed;
    const auto settled =
        settle(work_, words, {.batch_of_its_own = name == "map", .from_log = from_log});
    return settled ? "" : name + ": " + settled.error().what;
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

std::string CommandLine::explain(const CLI::ParseError& error) const
{
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ValidationError)) {
        return error.what();  // which says what is wanted
    }
    std::string command = "jobmill";
    for (const CLI::App* app = &app_; !app->get_subcommands().empty();) {
        app = app->get_subcommands().front();
        command += " " + app->get_name();
    }
    // The parser's own words have them in reverse.
    const std::vector<std::string> rest = app_.remaining(true);
    std::string text = rest.empty() ? error.what() : "not expected: " + joined(rest);
    if (!rest.empty() && command == "jobmill" && !rest.front().starts_with('-')) {
        std::vector<std::string_view> names;
        for (const CLI::App* each : app_.get_subcommands([](const CLI::App*) { return true; })) {
            names.push_back(each->get_name());
        }
        text = "no command \"" + rest.front() + "\"" + did_you_mean(rest.front(), names);
    }
    return text + (text.ends_with('?') ? " " : "; ") + command + " --help tells more";
}

int CommandLine::run(const SplitWords& words)
{
    std::vector<std::string> reversed{words.ours.rbegin(), words.ours.rend()};
    try {
        app_.parse(std::move(reversed));
    } catch (const CLI::Success& success) {
        std::ostringstream text;
        const int code = app_.exit(success, text, text);
        return write_all(standard_output, bytes_of(text.str())) ? code : abandoned_exit_code();
    } catch (const CLI::ParseError& error) {
        notice(explain(error));
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
    commands::hold_closed_descriptors();
    commands::watch_interrupts();
    const std::span<char* const> words{argv, static_cast<std::size_t>(argc)};
    try {
        const int code =
            commands::CommandLine{}.run(commands::split(words.subspan(argc > 0 ? 1 : 0)));
        return commands::finish_output() ? code : commands::abandoned_exit_code();
    } catch (const std::exception& error) {
        commands::notice(error.what());
        (void)commands::finish_output();
        return jobmill::exit_code::jobmill_failed;
    }
}
