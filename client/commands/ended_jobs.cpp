// SPDX-License-Identifier: MIT
#include "client/commands/ended_jobs.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "client/commands/ask.hpp"
#include "client/commands/listener.hpp"
#include "common/limits.hpp"

namespace jobmill::commands {
namespace {

constexpr std::chrono::milliseconds longest_pause{200};

/// Numbers of jobs are text in JSON and numbers in MessagePack.
JobId job_at(const Value& job)
{
    const std::string_view text = job.text_at("job");
    auto value = static_cast<std::uint64_t>(job.integer_at("job"));
    (void)std::from_chars(text.data(), text.data() + text.size(), value);
    return JobId{value};
}

bool has_ended(const Value& job)
{
    const std::string_view state = job.text_at("state");
    return state != name_of(JobState::waiting) && state != name_of(JobState::queued) &&
           state != name_of(JobState::running);
}

}  // namespace

std::unordered_set<JobId> unfinished_of(const Value& status)
{
    std::unordered_set<JobId> unfinished;
    const Value* jobs = status.find("jobs");
    if (jobs != nullptr && jobs->array() != nullptr) {
        for (const Value& job : *jobs->array()) {
            if (!has_ended(job)) {
                unfinished.insert(job_at(job));
            }
        }
    }
    return unfinished;
}

Result<bool> EndedJobs::look_at(const std::vector<JobId>& some)
{
    JOBMILL_TRY_ASSIGN(const auto answer, ask(client_, client_.status(some)));
    if (!answer) {
        return false;
    }
    const auto* status = std::get_if<event::Status>(&*answer);
    if (status == nullptr) {
        return fail(Errc::invalid, "the daemon did not answer with its status");
    }
    const auto unfinished = unfinished_of(status->body);
    for (const JobId job : some) {
        if (unfinished.contains(job)) {
            jobs_.push_back(job);
        } else {
            ended_.push_back(job);
        }
    }
    return true;
}

/// At all of them, as many in one question as it may name.
Result<bool> EndedJobs::look()
{
    std::vector<JobId> rest = std::exchange(jobs_, {});
    for (std::size_t i = 0; i < rest.size(); i += limits::status_jobs) {
        const auto begin = rest.begin() + static_cast<std::ptrdiff_t>(i);
        const auto count = std::min(limits::status_jobs, rest.size() - i);
        JOBMILL_TRY_ASSIGN(const bool answered,
                           look_at({begin, begin + static_cast<std::ptrdiff_t>(count)}));
        if (!answered) {
            return false;
        }
    }
    return true;
}

Result<bool> EndedJobs::pause()
{
    const auto end = std::chrono::steady_clock::now() + pause_;
    pause_ = std::min(pause_ * 2, longest_pause);
    while (std::chrono::steady_clock::now() < end) {
        while (client_.poll_event()) {
        }
        JOBMILL_TRY_ASSIGN(const Woken woken, listen(client_, {.deadline = end}));
        if (woken.interrupted || woken.output_gone) {
            return false;
        }
    }
    return true;
}

Result<std::optional<JobId>> EndedJobs::next()
{
    while (ended_.empty()) {
        JOBMILL_TRY_ASSIGN(const bool looked, look());
        if (!looked) {
            return std::optional<JobId>{};
        }
        if (ended_.empty()) {
            JOBMILL_TRY_ASSIGN(const bool paused, pause());
            if (!paused) {
                return std::optional<JobId>{};
            }
        }
    }
    const JobId job = ended_.front();
    ended_.pop_front();
    return std::optional{job};
}

}  // namespace jobmill::commands
