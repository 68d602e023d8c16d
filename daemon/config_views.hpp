// SPDX-License-Identifier: MIT
// What the rooms of the daemon take from the configuration.
#pragma once

#include <algorithm>
#include <cstdint>

#include "daemon/config.hpp"
#include "daemon/descriptor_budget.hpp"
#include "daemon/job_desk.hpp"
#include "daemon/sessions.hpp"

namespace jobmill::daemon {

[[nodiscard]] inline JobDesk::Limits desk_limits(const Config& config, bool system)
{
    const UserLimits user = user_limits(config, system);
    const std::uint64_t unread = unread_total(config);
    const std::uint64_t unread_of_user = std::min(unread, config.unread_bytes);
    return {
        .room = {.payload = config.max_payload,
                 .jobs = config.max_jobs,
                 .bytes = config.max_bytes,
                 .jobs_per_user = user.jobs,
                 .bytes_per_user = user.bytes,
                 .blobs_per_user = system ? DescriptorBudget::of_this_process().blobs_of_one_user()
                                          : std::uint64_t{unlimited},
                 .jobs_per_session = user.session_jobs},
        .unread = {.bytes_per_user = unread_of_user, .bytes = unread, .age = config.unread_age},
        .output = {.user = unread_of_user, .all = unread}};
}

[[nodiscard]] inline Sessions::Limits session_limits(const Config& config, bool system)
{
    const UserLimits user = user_limits(config, system);
    // A session that has used up its credit is not read; one submit beyond it may have been, so
    // that a cancel behind it still is. With the credit below the limits by that much, no session
    // meets busy for its own attached jobs' sake, whether it counts its credit or not.
    const std::uint64_t jobs = std::max<std::uint64_t>(2, user.session_jobs) - 1;
    const std::uint64_t bytes = std::max<std::uint64_t>(2, user.bytes) / 2;
    return {.sessions = config.max_sessions,
            .sessions_per_user = static_cast<std::uint32_t>(user.sessions),
            // Its name was judged with the configuration.
            .admin_group =
                named_group("admin_group", config.admin_group).value_or(std::optional<gid_t>{}),
            .each = {.credit_jobs = static_cast<std::uint32_t>(
                         std::min<std::uint64_t>(config.credit_jobs, jobs)),
                     .credit_bytes = std::min(config.credit_bytes, bytes),
                     .max_payload = config.max_payload,
                     .patience = {.first_message = config.first_frame_timeout,
                                  .rest = config.frame_timeout,
                                  .stall = config.stall_timeout}}};
}

}  // namespace jobmill::daemon
