// SPDX-License-Identifier: MIT
#include "daemon/core/job_table.hpp"

#include "common/assert.hpp"

namespace jobmill::core {

JobHandle JobTable::add(const Job& job)
{
    const JobHandle handle{jobs_.take(job)};
    const bool added = index_.add(number(handle), ids());
    JOBMILL_ASSERT(added);
    return handle;
}

void JobTable::remove(JobHandle handle)
{
    index_.remove(number(handle), ids());
    if ((*this)[handle].extras != no_extras) {
        extras_.give_back(number((*this)[handle].extras));
    }
    jobs_.give_back(number(handle));
}

JobExtras& JobTable::own_extras(JobHandle handle)
{
    Job& job = (*this)[handle];
    if (job.extras == no_extras) {
        job.extras = ExtrasHandle{extras_.take()};
    }
    return extras_[number(job.extras)];
}

JobHandle JobTable::find(JobId id) const
{
    static_assert(number(no_job) == NumberIndex::none);
    return JobHandle{index_.find(number(id), ids())};
}

}  // namespace jobmill::core
