// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>
#include <vector>

#include "client/commands/job_log_line.hpp"
#include "common/unique_fd.hpp"

namespace jobmill::commands {

/// What a log says of jobs that ended before; of several lines about one the last counts.
struct PastJobs {
    std::vector<bool> ended;                      ///< by number
    std::vector<bool> succeeded;                  ///< by number
    std::map<std::uint64_t, std::string> failed;  ///< their commands, by number
};

/// A file that gets a line the moment a job has ended. One jobmill at a time writes to it.
class JobLog {
public:
    enum class Begin {
        anew,   ///< what was there is gone with begin()
        go_on,  ///< it is read first, and what comes is added
        there,  ///< as go_on, and it is an error when there is none
    };

    /// A line that was cut short, by a power failure or a full disk, is taken away. A file that is
    /// gone on with and is no log is refused, and stays as it is.
    [[nodiscard]] static Result<JobLog> open(const std::string& file, Begin begin);

    [[nodiscard]] const PastJobs& past() const noexcept { return past_; }

    /// Once a job is taken, or none was to be; add() does it, too. Until then a log of before is as
    /// it was: a handler that is misspelt does not cost what the last map has noted.
    [[nodiscard]] Result<void> begin();

    /// A whole line or none. The first time that it cannot be written is told.
    void add(const JobLogLine& line);

    /// Lines that could not be written.
    [[nodiscard]] std::uint64_t missing() const noexcept { return missing_; }

private:
    JobLog(std::string file, UniqueFd fd) : file_(std::move(file)), fd_(std::move(fd)) {}
    [[nodiscard]] Result<void> begin_anew();
    [[nodiscard]] Result<void> read();
    [[nodiscard]] Result<void> take_line(std::uint64_t number, std::string_view text);
    [[nodiscard]] tl::unexpected<Error> no_log() const;
    [[nodiscard]] Result<void> write(std::string_view text);
    void remember(JobLogLine line);

    std::string file_;
    UniqueFd fd_;
    PastJobs past_;
    bool begins_ = false;     ///< what is there is still to go
    bool is_file_ = false;    ///< rather than a pipe or a terminal
    std::uint64_t size_ = 0;  ///< of its whole lines
    std::uint64_t missing_ = 0;
};

}  // namespace jobmill::commands
