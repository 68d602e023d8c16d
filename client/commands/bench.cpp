// SPDX-License-Identifier: MIT
// bench: how fast is the daemon that runs here? Five seconds of jobs that do nothing, one at a time
// and many at once.
#include <algorithm>
#include <array>
#include <cstdio>
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

namespace jobmill::commands {
namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr std::chrono::milliseconds each_phase{1250};
constexpr std::array<std::uint32_t, 4> windows{1, 10, 100, 1000};

/// What came back while so many jobs were unfinished at any time.
struct Phase {
    std::uint32_t window = 0;
    std::uint64_t jobs = 0;
    double seconds = 0;
    std::vector<double> times;  ///< of each job, in microseconds, when there is one at a time

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

    /// Ends early, without an error, when an interrupt comes or nobody reads any more.
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
        Phase rest{.window = window};
        while (unfinished_ > 0 && !stopped_) {
            JOBMILL_TRY(take(rest, std::nullopt));
        }
        return phase;
    }

    [[nodiscard]] bool stopped() const noexcept { return stopped_; }

private:
    Result<void> take(Phase& phase, std::optional<Clock::time_point> deadline)
    {
        JOBMILL_TRY_ASSIGN(const Woken woken, listen(client_, {.deadline = deadline}));
        stopped_ = woken.interrupted || woken.output_gone;
        while (const auto event = client_.poll_event()) {
            if (const auto* error = std::get_if<event::JobError>(&*event)) {
                say(*event);
                return fail(Errc::invalid, text_of_error(error->error));
            }
            if (const auto* result = std::get_if<event::JobResult>(&*event)) {
                if (result->state != JobState::succeeded) {
                    say(*event);
                }
                JOBMILL_TRY(count(*result, phase));
            }
        }
        return {};
    }

    /// What ends it, for who reads JSON lines.
    void say(const ClientEvent& event)
    {
        (void)(common_.json && print_json(event, std::to_string(number(tag_of(event)))));
    }

    Result<void> count(const event::JobResult& result, Phase& phase)
    {
        if (result.state != JobState::succeeded) {
            const auto why = notices_of(result);
            return fail(Errc::invalid, why.empty() ? "a job has failed" : why.front());
        }
        --unfinished_;
        ++phase.jobs;
        if (phase.window == 1) {
            phase.times.push_back(Microseconds{Clock::now() - submitted_}.count());
        }
        return {};
    }

    Client& client_;
    const CommonOptions& common_;
    const BenchOptions& options_;
    Clock::time_point submitted_;  ///< the last one
    std::uint32_t unfinished_ = 0;
    bool stopped_ = false;
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
    std::vector<Phase> phases;
    for (const std::uint32_t window : windows) {
        if (window > client->welcome().credit_jobs || meter.stopped()) {
            break;
        }
        auto phase = meter.measure(window);
        if (!phase) {
            notice(phase.error().what);
            if (phases.empty()) {
                notice(
                    "--handler and --pool name one that does next to nothing; "
                    "jobmill handlers lists them");
            }
            return exit_code::jobmill_failed;
        }
        if (phase->jobs > 0) {
            phases.push_back(std::move(*phase));
        }
    }
    const bool written = common.json ? write_all(standard_output, as_json(phases))
                                     : write_all(standard_output, bytes_of(as_text(phases)));
    if (!written) {
        return exit_code::jobmill_failed;
    }
    return meter.stopped() ? abandoned_exit_code() : exit_code::ok;
}

}  // namespace jobmill::commands
