// SPDX-License-Identifier: MIT
// What the rooms of the daemon take from the configuration.
#pragma once

#include "daemon/config.hpp"
#include "daemon/job_desk.hpp"
#include "daemon/sessions.hpp"

namespace jobmill::daemon {

[[nodiscard]] inline JobDesk::Limits desk_limits(const Config& config)
{
    return {.payload = config.max_payload,
            .jobs = config.max_jobs,
            .bytes = config.max_bytes,
            .unread = {.bytes_per_user = config.unread_bytes, .age = config.unread_age}};
}

[[nodiscard]] inline Sessions::Limits session_limits(const Config& config, bool /*system*/)
{
    return {.sessions = config.max_sessions,
            // Its name was judged with the configuration.
            .admin_group =
                named_group("admin_group", config.admin_group).value_or(std::optional<gid_t>{}),
            .each = {.credit_jobs = config.credit_jobs,
                     .credit_bytes = config.credit_bytes,
                     .max_payload = config.max_payload,
                     .frame_timeout = config.frame_timeout}};
}

}  // namespace jobmill::daemon
