// SPDX-License-Identifier: MIT
#include "client/demo/compare.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>

#include "client/demo/demo_parts.hpp"
#include "client/demo/measured_program.hpp"
#include "client/demo/private_daemon.hpp"
#include "client/demo/worker_hunt.hpp"
#include "executor_script.hpp"

namespace jobmill::demo {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t rounds = 3;
constexpr auto lines_of_a_chunk = "60000";
constexpr auto workers = "2";  // as many as the daemon of the demonstration has
constexpr std::string_view answer_begins = "Aardvark has appeared ";

struct Figures {
    std::string answer;
    double seconds = 0;
    double first = 0;
    double stall = 0;
    double megabytes = 0;
};

std::string fixed(double value, int decimals)
{
    std::array<char, 64> text{};
    (void)std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    return text.data();
}

std::string seconds_text(double seconds)
{
    return seconds < 1 ? fixed(seconds * 1e3, 1) + " ms" : fixed(seconds, 2) + " s";
}

/// From the start of the program: Python with its imports.
Result<MeasuredRun> run_executor(const std::vector<std::string>& files, bool kill)
{
    ProgramToMeasure program{.words = {"python3", "-c", executor_script, lines_of_a_chunk, workers},
                             .from = Clock::now(),
                             .daemon = 0,
                             .meanwhile = {}};
    program.words.insert(program.words.end(), files.begin(), files.end());
    if (kill) {
        program.meanwhile = [killed = false](pid_t pid, const MeasuredRun& run) mutable {
            killed = killed || (run.line("mapping") != nullptr && kill_any_child(pid));
        };
    }
    return measure(program);
}

/// From before the daemon is started.
Result<MeasuredRun> run_jobmill(const std::vector<std::string>& files, bool kill)
{
    const Clock::time_point from = Clock::now();
    JOBMILL_TRY_ASSIGN(const PrivateDaemon daemon, PrivateDaemon::start());
    ProgramToMeasure program{
        .words = {"/proc/self/exe", "--socket", daemon.socket(), "demo", "--contender"},
        .from = from,
        .daemon = daemon.pid(),
        .meanwhile = {}};
    if (kill) {
        program.words.emplace_back("--chaos");
    }
    program.words.emplace_back("--data");
    program.words.insert(program.words.end(), files.begin(), files.end());
    return measure(program);
}

Result<Figures> figures_of(const char* name, const Result<MeasuredRun>& run)
{
    if (!run) {
        return tl::unexpected<Error>(run.error());
    }
    const auto* answer = run->line(std::string{answer_begins});
    const auto* first = run->line("partial");
    const auto* stall = run->line("stall_us ");
    if (run->exit_code != 0 || answer == nullptr || first == nullptr || stall == nullptr) {
        return fail(Errc::system, std::string{name} + " gave no answer");
    }
    return Figures{.answer = answer->text.substr(answer_begins.size()),
                   .seconds = answer->seconds,
                   .first = first->seconds,
                   .stall = std::stod("0" + stall->text.substr(stall->text.find(' ') + 1)) / 1e6,
                   .megabytes = static_cast<double>(run->peak_memory) / 1e6};
}

/// Each figure's median by itself.
Figures median(const std::array<Figures, rounds>& runs)
{
    const auto of = [&](double Figures::*figure) {
        std::array<double, rounds> values{};
        std::transform(runs.begin(), runs.end(), values.begin(),
                       [&](const Figures& run) { return run.*figure; });
        std::sort(values.begin(), values.end());
        return values[rounds / 2];
    };
    return {.answer = runs[0].answer,
            .seconds = of(&Figures::seconds),
            .first = of(&Figures::first),
            .stall = of(&Figures::stall),
            .megabytes = of(&Figures::megabytes)};
}

void row(const std::string& name, const std::string& executor, const std::string& jobmill)
{
    std::array<char, 256> line{};
    (void)std::snprintf(line.data(), line.size(), "%-24s %-27s %s", name.c_str(), executor.c_str(),
                        jobmill.c_str());
    print(line.data());
}

std::string after_kill(const MeasuredRun& run, const std::string& right)
{
    const auto* lost = run.line("lost ");
    const auto* answer = run.line(std::string{answer_begins});
    if (answer == nullptr) {
        return lost == nullptr ? "no answer" : "all lost (" + lost->text.substr(5) + ")";
    }
    const bool same = answer->text.substr(answer_begins.size()) == right;
    const bool struck = lost != nullptr && !lost->text.starts_with("lost 0 ");
    return std::string{struck ? lost->text.substr(5) + " run again" : "done before it was hit"} +
           (same ? ", same answer" : ", WRONG: " + answer->text);
}

/// Into the page cache, for both.
std::uint64_t warm(const std::vector<std::string>& files)
{
    std::uint64_t size = 0;
    std::vector<char> buffer(std::size_t{1} << 20U);
    for (const std::string& name : files) {
        std::ifstream file{name, std::ios::binary};
        while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) ||
               file.gcount() > 0) {
            size += static_cast<std::uint64_t>(file.gcount());
        }
    }
    return size;
}

}  // namespace

Result<bool> compare(const std::vector<std::string>& files)
{
    const std::uint64_t size = warm(files);
    std::array<Figures, rounds> executor;
    std::array<Figures, rounds> jobmill;
    for (std::size_t round = 0; round < rounds; ++round) {
        const auto run = run_executor(files, false);
        if (!run && run.error().code == Errc::not_found) {
            return fail(Errc::not_found, "there is no python3 here to compare with");
        }
        JOBMILL_TRY_ASSIGN(executor.at(round), figures_of("the program in Python", run));
        JOBMILL_TRY_ASSIGN(jobmill.at(round), figures_of("jobmill", run_jobmill(files, false)));
    }
    JOBMILL_TRY_ASSIGN(const MeasuredRun executor_hit, run_executor(files, true));
    JOBMILL_TRY_ASSIGN(const MeasuredRun jobmill_hit, run_jobmill(files, true));
    const Figures his = median(executor);
    const Figures ours = median(jobmill);
    row(std::to_string(size / 1'000'000) + " MB, " + workers + " workers each",
        "asyncio, ProcessPool", "jobmill");
    row("Aardvark has appeared", his.answer, ours.answer);
    row("start to answer", seconds_text(his.seconds),
        seconds_text(ours.seconds) + "  (" + fixed(his.seconds / ours.seconds, 1) +
            " times faster)");
    row("first partial result", seconds_text(his.first), seconds_text(ours.first));
    row("longest stall of a loop", seconds_text(his.stall), seconds_text(ours.stall));
    row("peak memory", fixed(his.megabytes, 0) + " MB", fixed(ours.megabytes, 0) + " MB");
    row("one worker SIGKILLed", after_kill(executor_hit, his.answer),
        after_kill(jobmill_hit, his.answer));
    print(
        "Medians of 3 rounds in turn, files in the page cache. Times are from the start of the\n"
        "program, for jobmill of its daemon as well, to the printed answer. A stall is what a\n"
        "timer of 1 ms in the program's event loop waited. Memory is the resident peak of all\n"
        "its processes (for jobmill: daemon, template, workers, client), shared pages in each.");
    return his.answer == ours.answer;
}

}  // namespace jobmill::demo
