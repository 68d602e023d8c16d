// SPDX-License-Identifier: MIT
#include "worker/placement.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <cerrno>

namespace jobmill {

int keep_to_cpus(std::uint64_t cpus) noexcept
{
    if (cpus == 0) {
        return 0;
    }
    cpu_set_t set{};
    for (unsigned cpu = 0; cpu < 64; ++cpu) {
        if ((cpus >> cpu & 1U) != 0) {
            CPU_SET(cpu, &set);
        }
    }
    return ::sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

void be_nice(int level) noexcept
{
    if (level > ::getpriority(PRIO_PROCESS, 0)) {
        (void)::setpriority(PRIO_PROCESS, 0, level);
    }
}

void use_batch_scheduling() noexcept
{
    if (::sched_getscheduler(0) == SCHED_OTHER) {
        const sched_param none{};
        (void)::sched_setscheduler(0, SCHED_BATCH, &none);
    }
}

}  // namespace jobmill
