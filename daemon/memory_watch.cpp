// SPDX-License-Identifier: MIT
#include "daemon/memory_watch.hpp"

#include <algorithm>

#include "daemon/kernel_files.hpp"
#include "jobmill/job_options.hpp"

namespace jobmill::daemon {

std::optional<std::uint64_t> available_in_machine(std::string_view meminfo)
{
    constexpr std::uint64_t unit = 1024;
    const auto kibibytes = number_after(meminfo, "MemAvailable:");
    if (!kibibytes || *kibibytes > UINT64_MAX / unit) {
        return {};
    }
    return *kibibytes * unit;
}

std::uint64_t available_in_group(const std::string& directory)
{
    const std::uint64_t bound =
        std::min(kernel_number(directory + "/memory.max").value_or(unlimited),
                 kernel_number(directory + "/memory.high").value_or(unlimited));
    const auto current = kernel_number(directory + "/memory.current");
    if (bound == unlimited || !current) {
        return unlimited;
    }
    const auto stat = read_kernel_file(directory + "/memory.stat");
    const std::uint64_t cache = stat ? number_after(*stat, "inactive_file").value_or(0) : 0;
    const std::uint64_t used = *current - std::min(*current, cache);
    return bound - std::min(bound, used);
}

std::optional<std::uint64_t> available_memory(const MemorySources& sources)
{
    const auto meminfo = read_kernel_file(sources.meminfo);
    const auto machine = meminfo ? available_in_machine(*meminfo) : std::nullopt;
    std::uint64_t available = machine.value_or(unlimited);
    if (sources.group) {
        for (const std::string& group : group_and_above(sources.group->group)) {
            available = std::min(available, available_in_group(sources.group->mount + group));
        }
    }
    return available == unlimited ? std::nullopt : std::optional{available};
}

bool low_memory(bool was_low, std::optional<std::uint64_t> available, std::uint64_t min_free)
{
    if (!available) {
        return false;
    }
    return *available < min_free || (was_low && *available - min_free <= min_free / 10);
}

Result<std::unique_ptr<MemoryWatch>> MemoryWatch::create(
    loop::EventLoop& loop, std::function<void(const State&)> on_change, MemorySources sources,
    std::chrono::milliseconds period)
{
    std::unique_ptr<MemoryWatch> watch{
        new MemoryWatch{std::move(on_change), std::move(sources), period}};
    JOBMILL_TRY_ASSIGN(watch->timer_,
                       loop::Timer::create(loop, [raw = watch.get()] { raw->look(); }));
    return watch;
}

void MemoryWatch::watch(std::optional<std::uint64_t> min_free)
{
    state_.min_free = min_free;
    if (min_free) {
        timer_->start_repeating(period_);
    } else {
        timer_->stop();
        state_.available.reset();
    }
    look();
}

void MemoryWatch::look()
{
    const bool was_low = std::exchange(state_.low, false);
    if (state_.min_free) {
        state_.available = available_memory(sources_);
        state_.low = low_memory(was_low, state_.available, *state_.min_free);
    }
    if (state_.low != was_low) {
        on_change_(state_);
    }
}

}  // namespace jobmill::daemon
