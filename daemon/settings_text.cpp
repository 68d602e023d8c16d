// SPDX-License-Identifier: MIT
#include "daemon/settings_text.hpp"

#include "common/assert.hpp"
#include "daemon/pool_plan.hpp"

namespace jobmill::daemon {
namespace {

constexpr auto unlimited_word = "unlimited";
constexpr auto none_word = "none";
constexpr auto default_word = "by default";
constexpr auto new_sessions = ", for new sessions";

using Milliseconds = std::chrono::milliseconds;

std::string count(std::uint64_t number)
{
    return number == unlimited ? unlimited_word : std::to_string(number);
}

std::string size(std::uint64_t bytes)
{
    return bytes == unlimited ? unlimited_word : size_text(bytes);
}

std::string duration(std::optional<Milliseconds> duration, const char* otherwise)
{
    return duration ? duration_text(*duration) : otherwise;
}

std::string spin_text(std::optional<std::chrono::microseconds> spin)
{
    if (!spin) {
        return "auto";
    }
    return *spin == std::chrono::microseconds{0} ? none_word : short_duration_text(*spin);
}

std::string cpu_time(std::uint64_t milliseconds)
{
    return milliseconds == unlimited
               ? unlimited_word
               : duration_text(Milliseconds{static_cast<std::int64_t>(milliseconds)});
}

/// "0,2-3", as it is asked for.
std::string cpus(std::uint64_t mask)
{
    std::string list;
    for (unsigned first = 0; first < 64; ++first) {
        if ((mask >> first & 1U) == 0) {
            continue;
        }
        unsigned last = first;
        while (last < 63 && (mask >> (last + 1) & 1U) != 0) {
            ++last;
        }
        list += (list.empty() ? "" : ",") + std::to_string(first);
        list += last == first ? "" : "-" + std::to_string(last);
        first = last;
    }
    return mask == 0 ? "all" : list;
}

}  // namespace

std::vector<Setting> adjustable_settings(const PoolSettings& pool, std::uint32_t cores)
{
    const JobLimits& limits = pool.limits;
    const auto& least = pool.min_workers;
    return {{"workers", count(workers_of(pool, cores))},
            {"min_workers", least ? count(*least) : "all"},
            {"idle_timeout", duration_text(pool.idle_timeout)},
            {"max_running", count(pool.max_running)},
            {"weight", count(pool.weight)},
            {"timeout", duration(pool.timeout, unlimited_word)},
            {"queue_timeout", duration(pool.queue_timeout, unlimited_word)},
            {"retry_crash", count(pool.retry_crash)},
            {"retry_timeout", count(pool.retry_timeout)},
            {"retry_failure", count(pool.retry_failure)},
            {"backoff", duration_text(pool.backoff)},
            {"backoff_max", duration_text(pool.backoff_max)},
            {"memory", size(limits.memory)},
            {"cpu_time", cpu_time(limits.cpu_ms)},
            {"file_size", size(limits.file_size)},
            {"open_files", count(limits.open_files)},
            {"processes", count(limits.processes)},
            {"nice", std::to_string(limits.nice)},
            {"cpus", cpus(limits.cpus)},
            {"poison_after", count(pool.poison_after)},
            {"hang_timeout", duration(pool.hang_timeout, none_word)},
            {"recycle_jobs", count(pool.recycle_jobs)},
            {"recycle_age", duration(pool.recycle_age, unlimited_word)},
            {"recycle_rss", size(pool.recycle_rss)}};
}

std::vector<std::string_view> fixed_differences(const PoolSettings& one, const PoolSettings& other)
{
    std::vector<std::string_view> keys;
    const auto note = [&](std::string_view key, bool differs) {
        if (differs) {
            keys.push_back(key);
        }
    };
    note("modules", one.modules != other.modules);
    note("exec", one.exec != other.exec);
    note("paths", one.paths != other.paths);
    note("start", one.start != other.start);
    note("runtime", one.runtime != other.runtime);
    note("interpreter", one.interpreter != other.interpreter);
    note("preload", one.preload != other.preload);
    note("initializer", one.initializer != other.initializer);
    // Its values may be secrets.
    note("environment", one.environment != other.environment);
    note("cgroup", one.cgroup != other.cgroup);
    note("spin", one.spin != other.spin);
    return keys;
}

std::vector<Setting> settings_of(const LabelSettings& label)
{
    return {{"max_running", count(label.max_running)}, {"weight", count(label.weight)}};
}

std::vector<Setting> settings_of(const Config& config)
{
    const auto share = [](std::optional<std::uint64_t> bound) {
        return bound ? count(*bound) : default_word;
    };
    const auto& bytes = config.max_bytes_per_user;
    const auto& free = config.min_free_memory;
    return {{"log_level", config.log_level.value_or("info")},
            {"admin_group", config.admin_group.value_or(none_word)},
            {"max_payload", size_text(config.max_payload)},
            {"max_jobs", count(config.max_jobs)},
            {"max_bytes", size_text(config.max_bytes)},
            {"max_sessions", count(config.max_sessions)},
            {"max_jobs_per_user", share(config.max_jobs_per_user)},
            {"max_bytes_per_user", bytes ? size(*bytes) : default_word},
            {"max_sessions_per_user", share(config.max_sessions_per_user)},
            {"max_jobs_per_session", share(config.max_jobs_per_session)},
            {"max_running", count(config.max_running)},
            {"min_free_memory", free ? size_text(*free) : none_word},
            {"poison_kept", count(config.poison_kept)},
            {"credit_jobs", count(config.credit_jobs), new_sessions},
            {"credit_bytes", size_text(config.credit_bytes), new_sessions},
            {"frame_timeout", duration_text(config.frame_timeout), new_sessions},
            {"first_frame_timeout", duration_text(config.first_frame_timeout), new_sessions},
            {"stall_timeout", duration_text(config.stall_timeout), new_sessions},
            {"drain_timeout", duration_text(config.drain_timeout)},
            {"idle_timeout", duration(config.idle_timeout, none_word)},
            {"unread_age", duration_text(config.unread_age)},
            {"spin", spin_text(config.spin)},
            {"unread_bytes", size_text(config.unread_bytes)},
            {"max_unread_bytes",
             config.max_unread_bytes ? size_text(*config.max_unread_bytes) : default_word}};
}

std::vector<std::string> differences(const std::vector<Setting>& now,
                                     const std::vector<Setting>& wanted)
{
    JOBMILL_ASSERT(now.size() == wanted.size());
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < now.size(); ++i) {
        if (now[i].text != wanted[i].text) {
            std::string text{now[i].key};
            text.append(" ").append(now[i].text).append(" -> ").append(wanted[i].text);
            texts.push_back(text.append(now[i].when));
        }
    }
    return texts;
}

}  // namespace jobmill::daemon
