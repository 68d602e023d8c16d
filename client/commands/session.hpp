// SPDX-License-Identifier: MIT
// What most subcommands begin with: a session, and jobs from what the command line said.
#pragma once

#include <functional>
#include <optional>

#include "client/commands/common_options.hpp"
#include "client/commands/payload.hpp"
#include "jobmill/client.hpp"

namespace jobmill::commands {

[[nodiscard]] std::string socket_path(const CommonOptions& common);

/// Whether a missing daemon is started: for a command that gives it work; a question about what a
/// daemon does is answered by "there is none".
enum class Start { no, yes };

/// A session with the daemon. `stream_parts`: large results come in parts.
[[nodiscard]] Result<Client> open_session(const CommonOptions& common, bool stream_parts,
                                          Start start = Start::no);

/// Says why this command gives up, unless an interrupt is the reason; answers the exit code.
[[nodiscard]] int gave_up(const Error& error);

/// A session with the daemon that comes after this one, which stops and takes no more jobs. The
/// session with this one is over then.
[[nodiscard]] Result<Client> next_session(const CommonOptions& common, bool stream_parts,
                                          Client stopping, Start start);

/// So often work that was refused is taken to the next daemon.
inline constexpr int most_daemons = 5;

/// A job, and what it borrows from.
struct PreparedJob {
    std::string handler;
    std::string label;
    std::string pool;
    JobOptions options;  ///< borrowed from the command line's words
    Map args;
    Payload payload;

    /// Borrowed from this.
    [[nodiscard]] NewJob job() const;
};

/// The job that the words ask for. Reads standard input if they say so, up to `most` bytes.
[[nodiscard]] Result<PreparedJob> prepare(const WorkOptions& work, std::uint64_t most);

/// Submits that job, as `change` makes it, to a daemon that takes it. `then` answers the exit code,
/// or none when the daemon stops and has refused the job: it is for the next one.
[[nodiscard]] int with_job(const CommonOptions& common, bool stream_parts, const WorkOptions& work,
                           const std::function<void(NewJob&)>& change,
                           const std::function<std::optional<int>(Client&, Tag)>& then);

/// The number of a job as people write it.
[[nodiscard]] Result<JobId> parse_job(const std::string& word);

/// Each of them once.
[[nodiscard]] Result<std::vector<JobId>> parse_jobs(const std::vector<std::string>& words);

}  // namespace jobmill::commands
