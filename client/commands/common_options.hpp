// SPDX-License-Identifier: MIT
// What the command line said, and one function a subcommand. Each answers the exit code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/commands/job_options_words.hpp"

namespace jobmill::commands {

struct CommonOptions {
    std::string socket;  ///< empty: the user's own daemon
    bool json = false;
    bool quiet = false;
    bool no_start = false;  ///< a missing daemon is an error
};

/// A job, or for map the pattern of jobs.
struct WorkOptions {
    std::string handler;  ///< empty: a command
    std::string payload;  ///< "-": standard input
    bool has_payload = false;
    bool payload_is_text = false;      ///< even "-"
    std::vector<std::string> command;  ///< what came after "--"
    bool shell = false;                ///< the command is for sh -c
    bool input = false;                ///< the command gets standard input
    std::vector<std::string> args;     ///< KEY=VALUE, KEY:=TEXT
    std::string pool;
    std::string label;
    JobOptionWords words;
    JobOptions options;  ///< what the words say; borrows from them
};

struct MapOptions {
    /// What a job log of earlier runs is good for.
    enum class Past : std::uint8_t {
        none,
        resume,         ///< skip the jobs that have ended
        resume_failed,  ///< skip the jobs that have succeeded
        retry_failed,   ///< run those that failed, as the log has them; there is no input
    };

    std::uint32_t jobs = 0;  ///< unfinished at once; 0: as many as the daemon gives credit for
    bool ordered = false;
    bool null = false;  ///< input items end with NUL instead of newline
    bool tag = false;
    bool bar = false;
    std::string job_log;  ///< empty: none
    Past past = Past::none;
};

struct WaitOptions {
    enum class Until : std::uint8_t {
        all,            ///< have ended
        any,            ///< has ended
        first_failure,  ///< or all have succeeded
    };

    std::vector<std::string> ids;
    Until until = Until::all;
};

struct CancelOptions {
    std::vector<std::string> ids;  ///< or "all"
    std::string batch;
    std::string label;
    bool queued = false;  ///< only those that do not run
};

/// What adjusts how much may run: of a pool, of a label, or of all pools together.
struct SetOptions {
    std::string pool;
    std::string label;
    Word max_running;
    Word weight;
};

struct LogOptions {
    std::uint32_t lines = 20;
    bool follow = false;
};

struct BenchOptions {
    std::string handler = "echo";  ///< given no payload
    std::string pool;
};

struct DemoOptions {
    bool chaos = false;
    bool compare = false;
    bool contender = false;  ///< one side of a comparison, started by the other
    std::vector<std::string> data;
    std::uint64_t words_files = 0;  ///< 0: the default number
};

[[nodiscard]] int run(const CommonOptions& common, const WorkOptions& work);
[[nodiscard]] int map(const CommonOptions& common, const WorkOptions& work,
                      const MapOptions& options);
[[nodiscard]] int submit(const CommonOptions& common, const WorkOptions& work);
[[nodiscard]] int wait(const CommonOptions& common, const WaitOptions& options);
[[nodiscard]] int cancel(const CommonOptions& common, const CancelOptions& options);
[[nodiscard]] int retry(const CommonOptions& common, const std::vector<std::string>& ids);
[[nodiscard]] int set(const CommonOptions& common, const SetOptions& options);
[[nodiscard]] int status(const CommonOptions& common, const std::vector<std::string>& ids);
[[nodiscard]] int handlers(const CommonOptions& common);
[[nodiscard]] int ping(const CommonOptions& common);
[[nodiscard]] int socket(const CommonOptions& common);
[[nodiscard]] int daemon_start(const CommonOptions& common);
[[nodiscard]] int daemon_stop(const CommonOptions& common);
[[nodiscard]] int daemon_status(const CommonOptions& common);
[[nodiscard]] int daemon_log(const CommonOptions& common, const LogOptions& options);
[[nodiscard]] int daemon_log_level(const CommonOptions& common, const std::string& level);
[[nodiscard]] int reload(const CommonOptions& common);
[[nodiscard]] int bench(const CommonOptions& common, const BenchOptions& options);
[[nodiscard]] int demo(const CommonOptions& common, const DemoOptions& options);

}  // namespace jobmill::commands
