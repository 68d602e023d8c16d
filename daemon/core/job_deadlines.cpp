// SPDX-License-Identifier: MIT
#include "daemon/core/job_deadlines.hpp"

#include <algorithm>
#include <utility>

#include "common/assert.hpp"

namespace jobmill::core {

namespace {

/// The first of a stretch has no neighbour before it: there it says which stretch that is.
constexpr std::uint32_t first_bit = std::uint32_t{1} << 31U;
/// A time may be before the clock's beginning, and its stretch's number below 0, but not by more.
constexpr std::int32_t offset = std::int32_t{1} << 25U;
/// After the last of a stretch; no_job is for those that are in none.
constexpr JobHandle none_behind{UINT32_MAX - 1};

constexpr std::uint32_t mark_of(std::int32_t stretch)
{
    return first_bit | static_cast<std::uint32_t>(stretch + offset);
}

constexpr std::int32_t stretch_of_mark(std::uint32_t mark)
{
    return static_cast<std::int32_t>(mark & ~first_bit) - offset;
}

}  // namespace

void JobDeadlines::set(JobTable& jobs, JobHandle handle, TimePoint when, TimePoint now)
{
    cancel(jobs, handle);
    if (when == never) {
        return;
    }
    if (const StretchNumber stretch = stretch_of(when); stretch > stretch_of(now)) {
        put_far(jobs, handle, stretch);
    } else {
        near_.set(handle, when, Places{jobs});
    }
}

void JobDeadlines::cancel(JobTable& jobs, JobHandle handle)
{
    if (jobs[handle].alarm.next != no_job) {
        take_from_far(jobs, handle);
    } else {
        near_.remove(handle, Places{jobs});
    }
}

std::vector<JobDeadlines::Stretch>::iterator JobDeadlines::from(StretchNumber wanted)
{
    return std::lower_bound(
        far_.begin(), far_.end(), wanted,
        [](const Stretch& stretch, StretchNumber least) { return stretch.number < least; });
}

void JobDeadlines::put_far(JobTable& jobs, JobHandle handle, StretchNumber wanted)
{
    JOBMILL_ASSERT(number(handle) < first_bit);
    auto stretch = from(wanted);
    if (stretch == far_.end() || stretch->number != wanted) {
        stretch = far_.insert(stretch, Stretch{.number = wanted});
    }
    JobHandle behind = none_behind;
    if (stretch->first != no_job) {
        behind = stretch->first;
        jobs[behind].alarm.place = number(handle);
    }
    jobs[handle].alarm = {.place = mark_of(wanted), .next = behind};
    stretch->first = handle;
    ++far_size_;
}

void JobDeadlines::take_from_far(JobTable& jobs, JobHandle handle)
{
    const JobAlarm left = std::exchange(jobs[handle].alarm, {});
    if (left.next != none_behind) {
        jobs[left.next].alarm.place = left.place;
    }
    if ((left.place & first_bit) == 0) {
        jobs[JobHandle{left.place}].alarm.next = left.next;
    } else if (const auto stretch = from(stretch_of_mark(left.place)); left.next != none_behind) {
        stretch->first = left.next;
    } else {
        far_.erase(stretch);
    }
    --far_size_;
}

}  // namespace jobmill::core
