// SPDX-License-Identifier: MIT
#include "daemon/core/job_deadlines.hpp"

namespace jobmill::core {

void JobDeadlines::set(JobTable& jobs, JobHandle handle, TimePoint when)
{
    const std::uint32_t place = jobs[handle].alarm;
    if (when == never) {
        if (place != 0) {
            erase(jobs, place - 1U);
        }
        return;
    }
    if (place == 0) {
        heap_.push_back({});
        put(jobs, heap_.size() - 1, {when, handle});
        sift_up(jobs, heap_.size() - 1);
        return;
    }
    heap_[place - 1U].when = when;
    sift_up(jobs, place - 1U);
    sift_down(jobs, jobs[handle].alarm - 1U);
}

std::optional<TimePoint> JobDeadlines::next() const
{
    return heap_.empty() ? std::nullopt : std::optional{heap_.front().when};
}

JobHandle JobDeadlines::take_due(JobTable& jobs, TimePoint now)
{
    if (heap_.empty() || heap_.front().when > now) {
        return no_job;
    }
    const JobHandle due = heap_.front().job;
    erase(jobs, 0);
    return due;
}

void JobDeadlines::put(JobTable& jobs, std::size_t at, const Entry& entry)
{
    heap_[at] = entry;
    jobs[entry.job].alarm = static_cast<std::uint32_t>(at + 1);
}

void JobDeadlines::sift_up(JobTable& jobs, std::size_t at)
{
    const Entry entry = heap_[at];
    while (at > 0 && entry.when < heap_[(at - 1) / 2].when) {
        put(jobs, at, heap_[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(jobs, at, entry);
}

void JobDeadlines::sift_down(JobTable& jobs, std::size_t at)
{
    const Entry entry = heap_[at];
    while (at * 2 + 1 < heap_.size()) {
        std::size_t child = at * 2 + 1;
        if (child + 1 < heap_.size() && heap_[child + 1].when < heap_[child].when) {
            ++child;
        }
        if (entry.when <= heap_[child].when) {
            break;
        }
        put(jobs, at, heap_[child]);
        at = child;
    }
    put(jobs, at, entry);
}

void JobDeadlines::erase(JobTable& jobs, std::size_t at)
{
    jobs[heap_[at].job].alarm = 0;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (at == heap_.size()) {
        return;
    }
    put(jobs, at, last);
    sift_up(jobs, at);
    sift_down(jobs, jobs[last.job].alarm - 1U);
}

}  // namespace jobmill::core
