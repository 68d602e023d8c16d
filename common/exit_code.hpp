// SPDX-License-Identifier: MIT
// Exit codes of the programs. The command line follows timeout(1), env(1) and GNU parallel.
#pragma once

namespace jobmill::exit_code {

inline constexpr int ok = 0;
inline constexpr int job_failed = 1;
inline constexpr int usage = 2;
inline constexpr int too_many_failures = 101;  ///< map: more than 100 failed jobs
inline constexpr int timed_out = 124;
inline constexpr int jobmill_failed = 125;  ///< jobmill itself, not the job
inline constexpr int not_executable = 126;
inline constexpr int not_found = 127;
inline constexpr int signal_base = 128;  ///< plus the number of the signal

inline constexpr int cannot_start = 1;      ///< jobmilld: a trouble that may pass
inline constexpr int already_running = 75;  ///< jobmilld: another daemon holds the lock
inline constexpr int bad_config = 78;       ///< jobmilld, jobmill-worker: do not start again

}  // namespace jobmill::exit_code
