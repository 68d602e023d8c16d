// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>

#include "common/messages.hpp"
#include "daemon/core/effect.hpp"

namespace jobmill::daemon {

/// Requests to cancel jobs that are answered once the last of those jobs is gone, or is let be.
class CancelWatches {
public:
    using Answer = std::function<void(SessionId, const Reply&)>;

    explicit CancelWatches(Answer answer) : answer_(std::move(answer)) {}

    /// Stays open until close(): jobs may end while its owner still looks for more. With
    /// `unless_running` it does not wait for a job that runs.
    [[nodiscard]] std::uint64_t open(SessionId session, Tag tag, bool unless_running);
    /// The watch waits for that job, too.
    void expect(std::uint64_t watch, JobId job);
    void close(std::uint64_t watch) { count_down(watch); }
    /// The job with that tag is to be cancelled unless it runs, which is an error then; else its
    /// result is the answer.
    void expect_of_tag(SessionId session, Tag tag, JobId job);
    /// A job has ended that some may wait for.
    void settle(const core::JobEnded& end);
    /// A job runs that was to be cancelled unless it does. Who wants it gone in any case waits on.
    void let_be(JobId job);

private:
    struct Watch {
        SessionId session{};
        Tag tag{};
        std::uint32_t pending = 0;
        std::uint32_t queued = 0;
        std::uint32_t running = 0;
        bool unless_running = false;
        bool of_tag = false;
        bool let_be = false;
    };

    using Wanted = bool (*)(const Watch&);

    /// Takes one out that waits for that job and is wanted; none left: 0.
    [[nodiscard]] std::uint64_t take(JobId job, Wanted wanted);
    void count_down(std::uint64_t watch);

    Answer answer_;
    std::unordered_map<std::uint64_t, Watch> watches_;
    std::unordered_multimap<JobId, std::uint64_t> expected_;  ///< and by which watch
    std::uint64_t last_ = 0;
};

}  // namespace jobmill::daemon
