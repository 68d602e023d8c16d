// SPDX-License-Identifier: MIT
#include "worker/placement.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace jobmill {
namespace {

/// As sched_setattr(2) takes them. The C library has none, and the kernel's header goes with no
/// <sched.h>.
struct SchedulingAttributes {
    std::uint32_t size = sizeof(SchedulingAttributes);
    std::uint32_t policy = 0;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime_ns = 0;  ///< of these policies: how long a turn it asks for
    std::uint64_t deadline_ns = 0;
    std::uint64_t period_ns = 0;
};

/// Longer than the kernel's own, some 3 ms, so that all who have those come first.
constexpr std::uint64_t turn_ns = 20'000'000;

}  // namespace

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
    if (::sched_getscheduler(0) != SCHED_OTHER) {
        return;
    }
    SchedulingAttributes batch;
    batch.policy = SCHED_BATCH;
    batch.nice = ::getpriority(PRIO_PROCESS, 0);
    batch.runtime_ns = turn_ns;
    (void)::syscall(SYS_sched_setattr, 0, &batch, 0);
}

}  // namespace jobmill
