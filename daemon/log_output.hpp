// SPDX-License-Identifier: MIT
// Where lines go: a descriptor, or the journal's socket. Neither ever makes the caller wait, and
// neither fails: what cannot be taken at once is lost, and counted.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/unique_fd.hpp"
#include "daemon/log_fields.hpp"
#include "jobmill/result.hpp"

namespace jobmill::log {

class LineOutput {
public:
    /// A file, pipe, terminal or socket that stays open, and is not changed: others use it too.
    explicit LineOutput(int fd);

    /// False when the line, which ends in a newline, is lost.
    [[nodiscard]] bool write(std::string_view line);

private:
    [[nodiscard]] std::int64_t write_some(std::string_view bytes) const;

    int shared_;
    UniqueFd own_;  ///< the same file, opened again: appending, and never waiting
    bool socket_ = false;
    bool torn_ = false;  ///< the last line came only in part
};

/// One event in the journal's native protocol: MESSAGE is the line of text, and every field is one
/// of the journal's own, JOBMILL_JOB for example. `priority` is syslog's.
[[nodiscard]] std::string journal_entry(int priority, EventName event, Fields fields);

/// Whether $JOURNAL_STREAM, "DEVICE:INODE", means this file.
[[nodiscard]] bool means_journal(std::string_view journal_stream, const struct stat& file);

class JournalOutput {
public:
    static constexpr auto usual_path = "/run/systemd/journal/socket";

    /// Errc::invalid when there is no journal.
    [[nodiscard]] static Result<JournalOutput> open(std::string path);

    /// False when the entry is lost.
    [[nodiscard]] bool write(std::string_view entry) const;

private:
    JournalOutput(UniqueFd socket, std::string path)
        : socket_(std::move(socket)), path_(std::move(path))
    {
    }
    UniqueFd socket_;
    std::string path_;  ///< sent to by name: a journal that was restarted is found again
};

}  // namespace jobmill::log
