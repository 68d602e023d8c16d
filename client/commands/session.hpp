// SPDX-License-Identifier: MIT
// What most subcommands begin with: a session, and jobs from what the command line said.
#pragma once

#include "client/commands/common_options.hpp"
#include "client/commands/payload.hpp"
#include "jobmill/client.hpp"

namespace jobmill::commands {

[[nodiscard]] std::string socket_path(const CommonOptions& common);

/// A session with the daemon. `stream_parts`: large results come in parts.
[[nodiscard]] Result<Client> open_session(const CommonOptions& common, bool stream_parts);

/// A job, and what it borrows from.
struct PreparedJob {
    std::string handler;
    std::string label;
    std::string pool;
    Map args;
    Payload payload;

    /// Borrowed from this.
    [[nodiscard]] Job job() const;
};

/// The job that the words ask for. Reads standard input if they say so, up to `most` bytes.
[[nodiscard]] Result<PreparedJob> prepare(const WorkOptions& work, std::uint64_t most);

/// The number of a job as people write it.
[[nodiscard]] Result<JobId> parse_job(const std::string& word);

}  // namespace jobmill::commands
