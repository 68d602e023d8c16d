// SPDX-License-Identifier: MIT
// bench: how fast is the daemon that runs here? Five seconds of jobs that do nothing, one at a time
// and many at once.
#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "client/commands/arguments.hpp"
#include "client/commands/follow.hpp"
#include "client/commands/interrupts.hpp"
#include "client/commands/json_output.hpp"
#include "client/commands/listener.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/outcome.hpp"
#include "client/commands/output.hpp"
#include "client/commands/session.hpp"
#include "client/commands/text_table.hpp"
#include "common/exit_code.hpp"
#include "common/json_writer.hpp"
#include "common/utf8.hpp"
#include "jobmill/cause_kind.hpp"

namespace jobmill::commands {
namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr std::chrono::milliseconds each_phase{1200};
/// What is left of one then is cancelled: together they take five seconds.
constexpr std::chrono::milliseconds most_rest{50};
constexpr std::array<std::uint32_t, 4> windows{1, 10, 100, 1000};

/// What came back while so many jobs were unfinished at any time.
struct Phase {
    std::uint32_t window = 0;
    std::uint64_t jobs = 0;
    double seconds = 0;
    std::vector<double> times;  ///< of each job, in microseconds, when there is one at a time
    std::string missing;        ///< why it could not be measured

    [[nodiscard]] double rate() const { return static_cast<double>(jobs) / seconds; }
    /// Of at least one job.
    [[nodiscard]] double quantile(double part)
    {
        const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(times.size() - 1));
        std::nth_element(times.begin(), times.begin() + at, times.end());
        return times[static_cast<std::size_t>(at)];
    }
};

class Meter {
public:
    Meter(Client& client, const CommonOptions& common, const BenchOptions& options)
        : client_(client), common_(common), options_(options)
    {
    }

    /// Ends early, without an error, when an interrupt comes or nobody reads any more. To be
    /// followed by settle().
    [[nodiscard]] Result<Phase> measure(std::uint32_t window)
    {
        Phase phase{.window = window};
        const auto start = Clock::now();
        const auto end = start + each_phase;
        for (auto now = start; now < end && !stopped_; now = Clock::now()) {
            while (unfinished_ < window) {
                submitted_ = Clock::now();
                JOBMILL_TRY(client_.submit({.handler = options_.handler, .pool = options_.pool}));
                ++unfinished_;
            }
            JOBMILL_TRY(take(phase, end));
        }
        phase.seconds = std::chrono::duration<double>{Clock::now() - start}.count();
        if (phase.jobs == 0) {
            phase.missing = "no job ended in that time; jobmill status tells what keeps them";
        }
        return phase;
    }

    /// What is unfinished ends, or is cancelled, so as not to be in the way of the next phase.
    [[nodiscard]] Result<void> settle()
    {
        JOBMILL_TRY(take_rest(most_rest));
        if (unfinished_ > 0 && !stopped_) {
            settling_ = true;
            JOBMILL_TRY(client_.cancel_session());
            JOBMILL_TRY(take_rest(end_patience));
            settling_ = false;
        }
        return unfinished_ == 0 || stopped_
                   ? Result<void>{}
                   : fail(Errc::system, "jobs that were cancelled do not end");
    }

    [[nodiscard]] bool stopped() const noexcept { return stopped_; }

private:
    Result<void> take_rest(std::chrono::milliseconds time)
    {
        Phase rest;
        const auto end = Clock::now() + time;
        while (unfinished_ > 0 && !stopped_ && Clock::now() < end) {
            JOBMILL_TRY(take(rest, end));
        }
        return {};
    }

    Result<void> take(Phase& phase, Clock::time_point deadline)
    {
        JOBMILL_TRY_ASSIGN(const Woken woken, listen(client_, {.deadline = deadline}));
        stopped_ = woken.interrupted || woken.output_gone;
        while (const auto event = client_.poll_event()) {
            if (const auto* error = std::get_if<event::JobError>(&*event)) {
                say(*event);
                return fail(error->error.code == error_code::closing ? Errc::closed : Errc::invalid,
                            text_of_error(error->error));
            }
            if (const auto* result = std::get_if<event::JobResult>(&*event)) {
                JOBMILL_TRY(judge(*event, *result));
                count(phase);
            }
        }
        return {};
    }

    /// What ends it, for who reads JSON lines.
    void say(const ClientEvent& event)
    {
        (void)(common_.json && print_json(event, std::to_string(number(tag_of(event)))));
    }

    Result<void> judge(const ClientEvent& event, const event::JobResult& result)
    {
        if (result.state == JobState::succeeded ||
            (settling_ && result.state == JobState::cancelled)) {
            return {};
        }
        say(event);
        const auto why = notices_of(result);
        return fail(result.cause->kind == cause_kind::stopping ? Errc::closed : Errc::invalid,
                    why.empty() ? "a job has failed" : why.front());
    }

    void count(Phase& phase)
    {
        --unfinished_;
        ++phase.jobs;
        if (phase.window == 1) {
            phase.times.push_back(Microseconds{Clock::now() - submitted_}.count());
        }
    }

    Client& client_;
    const CommonOptions& common_;
    const BenchOptions& options_;
    Clock::time_point submitted_;  ///< the last one
    std::uint32_t unfinished_ = 0;
    bool stopped_ = false;
    bool settling_ = false;
};

std::string rounded(double value)
{
    std::array<char, 32> text{};
    (void)std::snprintf(text.data(), text.size(), value < 100 ? "%.1f" : "%.0f", value);
    return text.data();
}

std::string as_text(std::vector<Phase>& phases)
{
    TextTable table{{{"UNFINISHED"}, {"JOBS/S"}, {"P50"}, {"P99"}}};
    for (Phase& phase : phases) {
        if (!phase.missing.empty()) {
            table.add({std::to_string(phase.window), "-", "", ""});
            continue;
        }
        const bool timed = !phase.times.empty();
        table.add({std::to_string(phase.window), rounded(phase.rate()),
                   timed ? rounded(phase.quantile(0.5)) + " us" : "",
                   timed ? rounded(phase.quantile(0.99)) + " us" : ""});
    }
    return table.text();
}

Bytes as_json(std::vector<Phase>& phases)
{
    Bytes line;
    JsonWriter writer{line};
    writer.begin_object().key("bench").begin_array();
    for (Phase& phase : phases) {
        writer.begin_object().key("unfinished").unsigned_integer(phase.window);
        writer.key("jobs").unsigned_integer(phase.jobs);
        if (!phase.missing.empty()) {
            writer.key("not_measured").text(escaped(phase.missing)).end_object();
            continue;
        }
        writer.key("jobs_per_s").real(phase.rate(), 1);
        if (!phase.times.empty()) {
            writer.key("p50_us").real(phase.quantile(0.5), 1);
            writer.key("p99_us").real(phase.quantile(0.99), 1);
        }
        writer.end_object();
    }
    writer.end_array().end_object();
    append(line, "\n");
    return line;
}

struct Course {
    std::vector<Phase> phases;
    std::optional<Error> error;  ///< what ended it

    [[nodiscard]] bool complete() const { return std::ranges::none_of(phases, is_missing); }
    [[nodiscard]] bool measured() const { return !std::ranges::all_of(phases, is_missing); }

    /// One notice for all that have the same cause.
    void tell_missing() const
    {
        for (auto phase = phases.begin(); phase != phases.end();) {
            const std::string& why = phase->missing;
            std::string which;
            for (; phase != phases.end() && phase->missing == why; ++phase) {
                which += which.empty() ? "" : ", ";
                which += std::to_string(phase->window);
            }
            if (!why.empty()) {
                notice("not measured: " + which.append(" unfinished: ").append(why));
            }
        }
    }

private:
    static bool is_missing(const Phase& phase) { return !phase.missing.empty(); }
};

Course measure_all(Meter& meter, std::uint32_t most)
{
    Course course;
    for (const std::uint32_t window : windows) {
        if (window > most || meter.stopped()) {
            break;
        }
        if (course.error) {
            course.phases.push_back({.window = window, .missing = course.error->what});
            continue;
        }
        auto phase = meter.measure(window);
        const bool interrupted = phase && meter.stopped() && phase->jobs == 0;
        if (!interrupted) {
            course.phases.push_back(phase ? std::move(*phase)
                                          : Phase{.window = window, .missing = phase.error().what});
        }
        const auto settled = phase ? meter.settle() : tl::unexpected<Error>(phase.error());
        if (!settled) {
            course.error = settled.error();
        }
    }
    return course;
}

/// Nothing was measured.
int tell_mistake(const Error& error)
{
    notice(error.what);
    if (error.code == Errc::invalid) {
        notice(
            "--handler and --pool name one that does next to nothing; "
            "jobmill handlers lists them");
    }
    return exit_code::jobmill_failed;
}

}  // namespace

int bench(const CommonOptions& common, const BenchOptions& options)
{
    if (const auto good = check_words({.handler = options.handler, .pool = options.pool}, {});
        !good) {
        return misused(good.error());
    }
    auto client = open_session(common, false);
    if (!client) {
        return gave_up(client.error());
    }
    Meter meter{*client, common, options};
    Course course = measure_all(meter, client->welcome().credit_jobs);
    if (course.error && !course.measured()) {
        return tell_mistake(*course.error);
    }
    const bool written = common.json ? write_all(standard_output, as_json(course.phases))
                                     : write_all(standard_output, bytes_of(as_text(course.phases)));
    if (!written) {
        return abandoned_exit_code();
    }
    course.tell_missing();
    if (meter.stopped()) {
        return abandoned_exit_code();
    }
    return course.error        ? exit_code::jobmill_failed
           : course.complete() ? exit_code::ok
                               : exit_code::job_failed;
}

}  // namespace jobmill::commands
