// SPDX-License-Identifier: MIT
#include "daemon/core/job_table.hpp"

#include "common/assert.hpp"

namespace jobmill::core {

JobHandle JobTable::add(const Job& job)
{
    JOBMILL_ASSERT(find(job.id) == no_job);
    const JobHandle handle{jobs_.take()};
    (*this)[handle] = job;
    index_.add(number(handle), ids());
    return handle;
}

void JobTable::remove(JobHandle handle)
{
    index_.remove(number(handle), ids());
    jobs_.give_back(number(handle));
}

JobHandle JobTable::find(JobId id) const
{
    static_assert(number(no_job) == NumberIndex::none);
    return JobHandle{index_.find(number(id), ids())};
}

}  // namespace jobmill::core
