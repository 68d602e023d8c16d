// SPDX-License-Identifier: MIT
// The daemon's configuration: a TOML file, judged as a whole. jobmilld(8) says what each key means.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/limits.hpp"
#include "common/quantities.hpp"
#include "daemon/pool_settings.hpp"
#include "jobmill/result.hpp"

namespace jobmill::daemon {

/// By the memory that there was when it was first asked for.
[[nodiscard]] std::uint64_t default_max_bytes();

struct Config {
    std::optional<std::string> socket;
    std::optional<std::string> socket_group;  ///< its members may connect, too
    /// Its members see and touch the jobs of all users; none: root and the daemon's user alone.
    std::optional<std::string> admin_group;
    /// "FILE:LINE:COLUMN" of those groups: whether there is one only the system knows.
    std::string socket_group_place;
    std::string admin_group_place;
    std::optional<std::string> state_dir;
    std::optional<std::string> log_level;
    std::optional<std::string> log_format;
    std::uint64_t max_payload = std::min(limits::payload, default_max_bytes());
    std::uint64_t max_jobs = 1'000'000;
    std::uint64_t max_bytes = default_max_bytes();
    std::uint32_t max_sessions = 1024;
    // Of them, what one user and one session may have; none: see user_limits().
    std::optional<std::uint64_t> max_jobs_per_user;
    std::optional<std::uint64_t> max_bytes_per_user;
    std::optional<std::uint64_t> max_sessions_per_user;
    std::optional<std::uint64_t> max_jobs_per_session;
    std::uint64_t max_running = unlimited;  ///< jobs at the same time, of all pools together
    /// Of the machine's memory, so much stays free: no job starts below; none: not watched.
    std::optional<std::uint64_t> min_free_memory;
    std::uint32_t poison_kept = 1000;  ///< jobs that were set aside
    std::uint32_t credit_jobs = limits::credit_jobs;
    std::uint64_t credit_bytes = limits::credit_bytes;
    /// How long running jobs may go on once the daemon is to stop.
    std::chrono::milliseconds drain_timeout{30'000};
    /// Leave after so long without a client and without a job; none: never.
    std::optional<std::chrono::milliseconds> idle_timeout;
    std::chrono::milliseconds frame_timeout{10'000};
    /// How long a new session may take to say who it is.
    std::chrono::milliseconds first_frame_timeout{5'000};
    /// How long a session may leave unread what was sent to it.
    std::chrono::milliseconds stall_timeout{30'000};
    std::chrono::milliseconds unread_age{3'600'000};
    /// The daemon looks for something to do for so long before it sleeps; none: as long as it pays.
    std::optional<std::chrono::microseconds> spin;
    std::uint64_t unread_bytes = std::uint64_t{64} << 20U;  ///< of one user
    std::optional<std::uint64_t> max_unread_bytes;          ///< of all; none: see unread_total()
    std::vector<PoolSettings> pools;                        ///< at least one
    std::vector<LabelSettings> labels;
};

/// What one user, and one session of a user, may have unfinished.
struct UserLimits {
    std::uint64_t jobs = 0;
    std::uint64_t bytes = 0;
    std::uint64_t sessions = 0;
    std::uint64_t session_jobs = 0;

    friend bool operator==(const UserLimits&, const UserLimits&) = default;
};

/// Never more than the whole daemon has room for. Unless the configuration says otherwise, a user
/// of the system's daemon may have half of that, so that one cannot keep all others out.
[[nodiscard]] UserLimits user_limits(const Config& config, bool system);

/// What may be unread of all users together.
[[nodiscard]] std::uint64_t unread_total(const Config& config);

/// What runs without a file: one pool, "default", a worker for each core.
[[nodiscard]] Config default_config();

/// Errors are of the form "FILE:LINE:COLUMN: what is wrong".
[[nodiscard]] Result<Config> parse_config(std::string_view text, const std::string& file);
[[nodiscard]] Result<Config> read_config(const std::string& file);

}  // namespace jobmill::daemon
