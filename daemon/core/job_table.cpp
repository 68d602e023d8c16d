// SPDX-License-Identifier: MIT
#include "daemon/core/job_table.hpp"

#include <bit>

#include "common/assert.hpp"

namespace jobmill::core {

namespace {
constexpr std::size_t smallest_index = 64;
}

JobTable::JobTable() : index_(smallest_index, no_job) {}

JobHandle JobTable::add(const Job& job)
{
    JOBMILL_ASSERT(find(job.id) == no_job);
    const JobHandle handle{jobs_.take()};
    (*this)[handle] = job;
    ++size_;
    if (size_ * 2 > index_.size()) {
        grow();
    }
    place(handle);
    return handle;
}

void JobTable::remove(JobHandle handle)
{
    std::size_t hole = home_of((*this)[handle].id);
    while (index_[hole] != handle) {
        JOBMILL_ASSERT(index_[hole] != no_job);
        hole = after(hole);
    }
    // What was pushed past the hole moves back into it, so that no search stops there too early.
    for (std::size_t at = after(hole); index_[at] != no_job; at = after(at)) {
        const std::size_t home = home_of((*this)[index_[at]].id);
        const std::size_t mask = index_.size() - 1;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            index_[hole] = index_[at];
            hole = at;
        }
    }
    index_[hole] = no_job;
    jobs_.give_back(number(handle));
    --size_;
}

JobHandle JobTable::find(JobId id) const
{
    for (std::size_t at = home_of(id); index_[at] != no_job; at = after(at)) {
        if ((*this)[index_[at]].id == id) {
            return index_[at];
        }
    }
    return no_job;
}

/// Fibonacci hashing: ids are mostly consecutive, and so are their homes' neighbours then.
std::size_t JobTable::home_of(JobId id) const
{
    constexpr std::uint64_t golden = 0x9E3779B97F4A7C15U;
    const auto bits = static_cast<unsigned>(std::countr_zero(index_.size()));
    return (number(id) * golden) >> (64U - bits);
}

void JobTable::place(JobHandle handle)
{
    std::size_t at = home_of((*this)[handle].id);
    while (index_[at] != no_job) {
        at = after(at);
    }
    index_[at] = handle;
}

void JobTable::grow()
{
    std::vector<JobHandle> old(index_.size() * 2, no_job);
    old.swap(index_);
    for (const JobHandle handle : old) {
        if (handle != no_job) {
            place(handle);
        }
    }
}

}  // namespace jobmill::core
