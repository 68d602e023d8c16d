// SPDX-License-Identifier: MIT
// What an ended job means to a shell: an exit code, and a sentence.
#pragma once

#include <string>
#include <vector>

#include "client/commands/cause_text.hpp"
#include "jobmill/event.hpp"

namespace jobmill::commands {

/// As a shell would say it of a command: its own exit code, 126 or 127 when it could not be
/// started, 128+N for signal N; 124 when its time was over, running or waiting; 1 for any other
/// failure.
[[nodiscard]] int exit_code_of(const event::JobResult& result);

struct Detail {
    bool background = true;  ///< its last progress, and the stack where it was when it was stopped
    bool attempts = false;   ///< what became of those before the last
};

/// Lines for standard error, without "jobmill: "; the first says what became of the job, others
/// are indented: the end of its worker's standard error, and details. Empty when it succeeded, or
/// when a command's own exit code says it all.
[[nodiscard]] std::vector<std::string> notices_of(const event::JobResult& result,
                                                  Detail detail = {});

/// "job 7: attempt 1 crashed: SIGSEGV (worker 2); again in 100 ms"
[[nodiscard]] std::string notice_of(const event::Retrying& retrying);

/// "no handler \"sun\" in pool \"default\"; did you mean \"sum\"?"
[[nodiscard]] std::string text_of_error(const ErrorReply& error);

/// The same of a job that was asked for by a handler's name or by a command.
[[nodiscard]] std::string text_of_refusal(const ErrorReply& error);

}  // namespace jobmill::commands
