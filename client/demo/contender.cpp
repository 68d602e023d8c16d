// SPDX-License-Identifier: MIT
// jobmill's side of the comparison: a program of its own, from its start to its answer.
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <unordered_map>

#include "client/commands/outcome.hpp"
#include "client/demo/compare.hpp"
#include "client/demo/counts.hpp"
#include "client/demo/demo_parts.hpp"
#include "client/demo/ngram_data.hpp"
#include "client/demo/worker_hunt.hpp"

namespace jobmill::demo {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t range_size = 1'500'000;
constexpr std::size_t most_crashes = 20;

/// The poll loop of a program that has other things to do as well: it looks up every millisecond.
class Contender {
public:
    Contender(Client& client, const std::vector<FileRange>& ranges, bool chaos)
        : client_(client), ranges_(ranges), chaos_(chaos)
    {
        for (std::size_t i = 0; i < ranges.size(); ++i) {
            waiting_.push_back(i);
        }
    }

    Result<void> run()
    {
        last_look_ = Clock::now();
        while (done_ < ranges_.size()) {
            while (!waiting_.empty() && client_.can_submit(0)) {
                JOBMILL_TRY(submit(waiting_.front()));
                waiting_.pop_front();
            }
            JOBMILL_TRY(turn());
        }
        return {};
    }

    [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
    [[nodiscard]] Clock::duration longest_stall() const noexcept { return longest_stall_; }
    [[nodiscard]] std::size_t crashes() const noexcept { return crashes_; }

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
            JOBMILL_TRY(on(*event));
        }
        return {};
    }

    Result<void> submit(std::size_t range)
    {
        const FileRange& r = ranges_[range];
        JOBMILL_TRY_ASSIGN(
            const Tag tag,
            client_.submit({.handler = "ngram.count",
                            .args = {{"path", r.path}, {"offset", r.offset}, {"length", r.length}},
                            .label = std::string_view{"compare"}}));
        by_tag_[number(tag)] = range;
        return {};
    }

    Result<void> on(const ClientEvent& event)
    {
        if (const auto* error = std::get_if<event::JobError>(&event)) {
            return fail(Errc::invalid, commands::text_of_error(error->error));
        }
        const auto* result = std::get_if<event::JobResult>(&event);
        if (result == nullptr) {
            return {};
        }
        const auto found = by_tag_.extract(number(result->tag));
        if (found.empty()) {
            return {};
        }
        if (result->state == JobState::crashed && crashes_ < most_crashes) {
            ++crashes_;
            waiting_.push_back(found.mapped());
            return {};
        }
        if (result->state != JobState::succeeded || !counts_.merge(text_of(result->payload))) {
            const auto lines = commands::notices_of(*result);
            return fail(Errc::system, lines.empty() ? "a range was not counted" : lines.front());
        }
        if (++done_ == 1) {
            print("partial");
        }
        if (chaos_ && crashes_ == 0 && done_ * 3 >= ranges_.size()) {
            (void)kill_busy_worker(static_cast<pid_t>(client_.welcome().pid));
        }
        return {};
    }

    Client& client_;
    const std::vector<FileRange>& ranges_;
    bool chaos_;
    std::deque<std::size_t> waiting_;
    std::unordered_map<std::uint64_t, std::size_t> by_tag_;
    Counts counts_;
    std::size_t done_ = 0;
    std::size_t crashes_ = 0;
    Clock::time_point last_look_;
    Clock::duration longest_stall_{};
};

}  // namespace

Result<bool> contend(Client& client, const std::vector<std::string>& files, bool chaos)
{
    JOBMILL_TRY_ASSIGN(const std::vector<FileRange> ranges, ranges_of(files, range_size));
    Contender contender{client, ranges, chaos};
    JOBMILL_TRY(contender.run());
    print("Aardvark has appeared " + std::to_string(contender.counts().of("Aardvark")) + " times.");
    const auto stall =
        std::chrono::duration_cast<std::chrono::microseconds>(contender.longest_stall());
    print("stall_us " + std::to_string(stall.count()));
    if (chaos) {
        print("lost " + std::to_string(contender.crashes()) + " of " +
              std::to_string(ranges.size()));
    }
    return true;
}

}  // namespace jobmill::demo
