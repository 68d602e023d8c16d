// SPDX-License-Identifier: MIT
// What a client hears from the daemon. Events own their bytes; PROTOCOL.md says what each means.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "jobmill/blob.hpp"
#include "jobmill/bytes.hpp"
#include "jobmill/cause_kind.hpp"
#include "jobmill/error_code.hpp"
#include "jobmill/ids.hpp"
#include "jobmill/job_state.hpp"
#include "jobmill/rarely.hpp"
#include "jobmill/stream.hpp"
#include "jobmill/value.hpp"

namespace jobmill::event {

/// The first thing that the daemon says: who it is, and what this session may do.
struct Welcome {
    std::uint16_t version = 0;  ///< of the protocol
    std::string server;         ///< its name and version
    std::uint32_t pid = 0;
    std::uint32_t max_inline = 0;    ///< a larger payload is borrowed: see NewJob
    std::uint64_t max_payload = 0;   ///< a larger one is refused
    std::uint32_t credit_jobs = 0;   ///< unfinished jobs before submit() waits
    std::uint64_t credit_bytes = 0;  ///< of their payloads, the same
};

/// The job with this tag is queued, and this is its number. The last event of a detached job, and
/// of a retry, here: wait_job() reads the others.
struct Accepted {
    Tag tag{};
    JobId job{};
    bool detached = false;
};

struct Started {
    Tag tag{};
    JobId job{};
    SlotId worker{};
    std::uint32_t attempt = 1;
};

/// An attempt did not succeed, and another begins after the delay. Asked for with Started, or by
/// itself.
struct Retrying {
    Tag tag{};
    JobId job{};
    std::uint32_t attempt = 1;  ///< that ended
    SlotId worker{};            ///< its worker; 0: it never ran
    std::uint64_t delay_ns = 0;
    JobState state = JobState::failed;
    Rarely<Cause> cause;
};

/// A partial result, or a command's output.
struct Chunk {
    Tag tag{};
    JobId job{};
    Stream stream = Stream::none;
    bool more = false;     ///< only with Options::stream_parts: the rest of this chunk follows
    bool dropped = false;  ///< there was no memory for its payload, or no room in Options::memory
    std::uint64_t size = 0;
    Bytes payload;
};

struct Progress {
    Tag tag{};
    JobId job{};
    std::uint64_t done = 0;
    std::uint64_t total = 0;  ///< 0: unknown
    std::string note;
};

/// Only with Options::stream_parts: a part of a large result, whose JobResult comes after the last.
struct ResultPart {
    Tag tag{};
    JobId job{};
    Bytes payload;
};

/// The last event of a job.
struct JobResult {
    Tag tag{};
    JobId job{};
    JobState state = JobState::succeeded;
    SlotId worker{};  ///< 0: it never ran
    std::uint64_t queue_ns = 0;
    std::uint64_t run_ns = 0;
    Rarely<Cause> cause;   ///< empty when it succeeded
    bool dropped = false;  ///< there was no memory for its payload, or no room in Options::memory
    std::uint64_t size = 0;
    Bytes payload;  ///< empty when it was dropped, came as parts, or is in the blob
    Blob blob;      ///< only with Options::result_blobs, of a large result
    std::uint32_t attempt = 1;
    Usage usage;                    ///< of the last attempt
    std::vector<Attempt> attempts;  ///< those before it
};

/// The answer to cancel_job(), cancel_all() and their like: so many jobs are gone now.
struct Cancelled {
    Tag tag{};
    std::uint32_t queued = 0;
    std::uint32_t running = 0;  ///< or were let be, where IfRunning says so
};

/// The answer to a cancel() with IfRunning::let_be: the job runs, and its JobResult is to come.
struct StillRunning {
    Tag tag{};
};

/// The answer to put(): jobs may name it.
struct Stored {
    Tag tag{};
};

struct Status {
    Tag tag{};
    Value body;
};

struct Handlers {
    Tag tag{};
    Value body;
};

/// The answer to reload(): all is done. `body`: {"file", "changes": [text, ...]}.
struct Reloaded {
    Tag tag{};
    Value body;
};

/// The answer to log_level(). `body`: {"level"}.
struct LogLevel {
    Tag tag{};
    Value body;
};

/// The answer to adjust(). `body`: what may run now.
struct Adjusted {
    Tag tag{};
    Value body;
};

struct Pong {
    Tag tag{};
    Bytes payload;
};

/// The daemon stops and takes no more jobs; running ones have so long.
struct Closing {
    std::uint64_t grace_ms = 0;
};

/// The request or job with this tag was refused, and nothing more comes about it. Tag 0: the error
/// is about the session as a whole.
struct JobError {
    Tag tag{};
    ErrorReply error;
};

}  // namespace jobmill::event

namespace jobmill {

using ClientEvent =
    std::variant<event::Accepted, event::Started, event::Chunk, event::Progress, event::ResultPart,
                 event::JobResult, event::Cancelled, event::Status, event::Handlers,
                 event::Reloaded, event::LogLevel, event::Pong, event::Closing, event::JobError,
                 event::Retrying, event::Adjusted, event::Stored, event::StillRunning>;

/// The tag that the event is about; 0 when it is about the session.
[[nodiscard]] Tag tag_of(const ClientEvent& event);

/// Whether nothing more comes about the event's tag.
[[nodiscard]] bool is_last(const ClientEvent& event);

}  // namespace jobmill
