// SPDX-License-Identifier: MIT
// The map-reduce: jobs for byte ranges, partial counts merged in the order in which they come.
#include <algorithm>
#include <array>
#include <cstdio>

#include "client/commands/progress_bar.hpp"
#include "client/demo/bare_ngram.hpp"
#include "client/demo/demo_parts.hpp"
#include "client/demo/range_jobs.hpp"
#include "client/demo/worker_hunt.hpp"

namespace jobmill::demo {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t usual_range = 1'500'000;
constexpr std::uint64_t most_ranges = 2000;
constexpr std::size_t bare_processes = 2;
constexpr std::uint64_t worth_preading = std::uint64_t{1} << 30U;
constexpr auto wanted_word = "Aardvark";

double seconds_since(Clock::time_point start)
{
    return std::chrono::duration<double>(Clock::now() - start).count();
}

class MapReduce {
public:
    MapReduce(Client& client, const std::vector<FileRange>& ranges, bool chaos)
        : client_(client), jobs_(client, ranges, "demo"), count_(ranges.size()), chaos_(chaos)
    {
    }

    [[nodiscard]] Result<void> run()
    {
        start_ = Clock::now();
        commands::ProgressBar bar{true};
        while (!jobs_.over()) {
            JOBMILL_TRY(jobs_.submit());
            JOBMILL_TRY_ASSIGN(const ClientEvent event, next_or_stop(client_));
            JOBMILL_TRY_ASSIGN(const bool counted, jobs_.on(event));
            if (counted) {
                after_range();
            }
            bar.draw("ngram  ", jobs_.done(), count_);
        }
        seconds_ = seconds_since(start_);
        return {};
    }

    [[nodiscard]] const Counts& counts() const noexcept { return jobs_.counts(); }
    [[nodiscard]] double seconds() const noexcept { return seconds_; }
    [[nodiscard]] double first_seconds() const noexcept { return first_seconds_; }
    [[nodiscard]] std::uint64_t peak_memory() const noexcept { return peak_memory_; }
    [[nodiscard]] std::size_t crashes() const noexcept { return jobs_.crashes(); }
    [[nodiscard]] pid_t killed() const noexcept { return killed_; }
    [[nodiscard]] std::size_t killed_at() const noexcept { return killed_at_; }

private:
    void after_range()
    {
        const std::size_t done = jobs_.done();
        const auto daemon = static_cast<pid_t>(client_.welcome().pid);
        if (done == 1) {
            first_seconds_ = seconds_since(start_);
        }
        if (done % 8 == 1) {
            peak_memory_ = std::max(peak_memory_, anonymous_memory(daemon));
        }
        // More than once: a worker may finish its range just before it dies.
        if (chaos_ && jobs_.in_the_middle() && done >= next_kill_) {
            if (const auto worker = kill_busy_worker(daemon)) {
                killed_ = *worker;
                killed_at_ = done;
                next_kill_ = done + 4;
            }
        }
    }

    Client& client_;
    RangeJobs jobs_;
    std::size_t count_;
    bool chaos_;
    pid_t killed_ = 0;
    std::size_t killed_at_ = 0;
    std::size_t next_kill_ = 0;
    Clock::time_point start_;
    double seconds_ = 0;
    double first_seconds_ = 0;
    std::uint64_t peak_memory_ = 0;
};

/// Reads what will be read, so that neither contender finds a colder cache than the other.
Result<void> warm(const std::vector<FileRange>& ranges, std::uint64_t size)
{
    if (size > worth_preading) {
        return {};
    }
    std::vector<char> buffer(std::size_t{1} << 20U);
    for (const FileRange& range : ranges) {
        std::FILE* file = range.offset == 0 ? std::fopen(range.path.c_str(), "re") : nullptr;
        if (file == nullptr) {
            continue;
        }
        while (std::fread(buffer.data(), 1, buffer.size(), file) > 0) {
        }
        (void)std::fclose(file);
    }
    return {};
}

std::uint64_t size_of(const std::vector<FileRange>& ranges)
{
    std::uint64_t size = 0;
    for (const FileRange& range : ranges) {
        size += range.length;
    }
    return size;
}

std::string fixed(double value, int decimals)
{
    std::array<char, 64> text{};
    (void)std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    return text.data();
}

std::string chaos_text(const MapReduce& job)
{
    if (job.crashes() == 0) {
        return "       no busy worker could be killed";
    }
    return "       worker " + std::to_string(job.killed()) + " SIGKILLed at range " +
           std::to_string(job.killed_at()) + ", range resubmitted";
}

}  // namespace

Result<bool> ngrams(Client& client, const std::vector<std::string>& files, bool chaos)
{
    JOBMILL_TRY_ASSIGN(std::vector<FileRange> ranges, ranges_of(files, usual_range));
    const std::uint64_t size = size_of(ranges);
    if (ranges.size() > most_ranges) {
        JOBMILL_TRY_ASSIGN(ranges, ranges_of(files, size / most_ranges));
    }
    JOBMILL_TRY(warm(ranges, size));
    MapReduce job{client, ranges, chaos};
    JOBMILL_TRY(job.run());
    print("ngram  " + std::to_string(size / 1'000'000) + " MB  " +
          commands::bar_text(ranges.size(), ranges.size()) + "  first partial " +
          fixed(job.first_seconds() * 1e3, 0) + " ms");
    if (chaos) {
        print(chaos_text(job));
    }
    const Clock::time_point start = Clock::now();
    JOBMILL_TRY_ASSIGN(const Counts bare, count_bare(ranges, bare_processes));
    const double bare_seconds = seconds_since(start);
    print("       " + std::to_string(job.counts().size()) +
          " words; the daemon's memory peaked at " +
          fixed(static_cast<double>(job.peak_memory()) / 1e6, 1) + " MB");
    const std::uint64_t times = job.counts().of(wanted_word);
    print(std::string{wanted_word} + " has appeared " + std::to_string(times) + " times.    " +
          fixed(job.seconds(), 2) + " s (two bare processes: " + fixed(bare_seconds, 2) + ")");
    const bool equal = times == bare.of(wanted_word) && job.counts().size() == bare.size();
    if (!equal) {
        print("       but the bare processes counted " + std::to_string(bare.of(wanted_word)) +
              " times and " + std::to_string(bare.size()) + " words");
    }
    return equal && (!chaos || job.crashes() > 0);
}

}  // namespace jobmill::demo
