// SPDX-License-Identifier: MIT
// What a job asks for beside its handler and payload, as the command line spells it. One table says
// which options there are; the command line, its help and the tests all go by it.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "jobmill/job_options.hpp"
#include "jobmill/result.hpp"

namespace jobmill::commands {

using Word = std::optional<std::string>;

struct JobOptionWords {
    Word timeout;
    Word queue_timeout;
    Word delay;
    Word priority;
    Word retries;
    Word backoff;
    Word memory;
    Word cpu_time;
    Word file_size;
    Word open_files;
    Word processes;
    Word nice;
    Word cpus;
    Word batch;
    Word halt;
};

struct JobOptionRow {
    const char* names;  ///< "-t,--timeout"
    const char* value;  ///< "DUR|unlimited"
    const char* help;
    const char* group;  ///< a heading of the help
    Word JobOptionWords::*word;
};

[[nodiscard]] std::span<const JobOptionRow> job_option_table() noexcept;

/// Judges the words as the daemon would; an error begins with the option. Borrows texts from them.
[[nodiscard]] Result<JobOptions> parse_job_options(const JobOptionWords& words);

}  // namespace jobmill::commands
