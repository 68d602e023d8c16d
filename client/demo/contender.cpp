// SPDX-License-Identifier: MIT
// jobmill's side of the comparison: a program of its own, from its start to its answer.
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "client/demo/compare.hpp"
#include "client/demo/demo_parts.hpp"
#include "client/demo/ngram_data.hpp"
#include "client/demo/range_jobs.hpp"
#include "client/demo/worker_hunt.hpp"

namespace jobmill::demo {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t range_size = 1'500'000;

/// The poll loop of a program that has other things to do as well: it looks up every millisecond.
class Contender {
public:
    Contender(Client& client, const std::vector<FileRange>& ranges, bool chaos)
        : client_(client), jobs_(client, ranges, "compare"), chaos_(chaos)
    {
    }

    Result<void> run()
    {
        last_look_ = Clock::now();
        while (!jobs_.over()) {
            JOBMILL_TRY(jobs_.submit());
            JOBMILL_TRY(turn());
        }
        return {};
    }

    [[nodiscard]] const RangeJobs& jobs() const noexcept { return jobs_; }
    [[nodiscard]] Clock::duration longest_stall() const noexcept { return longest_stall_; }

private:
    Result<void> turn()
    {
        pollfd ready{.fd = client_.fd(), .events = client_.wanted_events(), .revents = 0};
        if (::poll(&ready, 1, 1) < 0 && errno != EINTR) {
            return fail_errno("poll", errno);
        }
        const Clock::time_point now = Clock::now();
        longest_stall_ = std::max(longest_stall_, now - last_look_);
        last_look_ = now;
        if (ready.revents != 0) {
            JOBMILL_TRY(client_.on_ready());
        }
        while (const auto event = client_.poll_event()) {
            JOBMILL_TRY_ASSIGN(const bool counted, jobs_.on(*event));
            if (counted) {
                after_range();
            }
        }
        return {};
    }

    void after_range()
    {
        if (jobs_.done() == 1) {
            print("partial");
        }
        if (chaos_ && jobs_.in_the_middle()) {
            (void)kill_busy_worker(static_cast<pid_t>(client_.welcome().pid));
        }
    }

    Client& client_;
    RangeJobs jobs_;
    bool chaos_;
    Clock::time_point last_look_;
    Clock::duration longest_stall_{};
};

}  // namespace

Result<bool> contend(Client& client, const std::vector<std::string>& files, bool chaos)
{
    JOBMILL_TRY_ASSIGN(const std::vector<FileRange> ranges, ranges_of(files, range_size));
    Contender contender{client, ranges, chaos};
    JOBMILL_TRY(contender.run());
    print("Aardvark has appeared " + std::to_string(contender.jobs().counts().of("Aardvark")) +
          " times.");
    const auto stall =
        std::chrono::duration_cast<std::chrono::microseconds>(contender.longest_stall());
    print("stall_us " + std::to_string(stall.count()));
    if (chaos) {
        print("lost " + std::to_string(contender.jobs().crashes()) + " of " +
              std::to_string(ranges.size()));
    }
    return true;
}

}  // namespace jobmill::demo
