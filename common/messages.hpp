// SPDX-License-Identifier: MIT
// One plain struct a message. Views are borrowed from the frame or line that was decoded, or from
// what the caller wants encoded. PROTOCOL.md says what each field means.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "common/job_limits.hpp"
#include "common/limits.hpp"
#include "jobmill/bytes.hpp"
#include "jobmill/error_code.hpp"
#include "jobmill/ids.hpp"
#include "jobmill/job_options.hpp"
#include "jobmill/job_state.hpp"
#include "jobmill/rarely.hpp"
#include "jobmill/stream.hpp"
#include "jobmill/value.hpp"

namespace jobmill {

// ---- a client's requests ------------------------------------------------------------------------

struct Hello {
    std::uint16_t min_version = limits::protocol_version;
    std::uint16_t max_version = limits::protocol_version;
    std::string_view client;
    bool takes_blobs = false;  ///< large results may come in descriptors
};

/// Gives a handler of a pool a number for this session, so that submits need not name it.
struct Open {
    std::uint64_t number = 0;
    std::string_view pool;  ///< empty: the default pool
    std::string_view handler;
};

struct SubmitOptions {
    std::string_view pool;     ///< empty: the default pool
    std::string_view handler;  ///< empty when the submit carries an opened number
    std::string_view label;
    ByteView args;  ///< a MessagePack map for the handler; empty: none
    bool detached = false;
    bool want_started = false;  ///< and what want_retrying asks for
    bool want_retrying = false;
    bool want_progress = false;
    std::optional<std::uint64_t> blob;  ///< of a put: the payload. 0 in JSON: there is none
    std::string_view blob_id;           ///< JSON: what the client calls it
    /// Of puts: what the job reads beside its payload; and, in JSON, what the client calls them.
    Rarely<std::vector<std::uint64_t>> inputs;
    Rarely<std::vector<std::string_view>> input_ids;
    Rarely<JobOptions> job;
};

struct Submit {
    Tag tag{};
    std::uint32_t handler_number = 0;
    std::uint64_t size = 0;  ///< of the whole payload
    bool more = false;       ///< pieces follow
    bool has_blob = false;   ///< the payload is in the descriptor that came along
    SubmitOptions options;
    ByteView payload;
};

/// As many jobs as payloads, with the tags `first`, `first`+1, ...: all of them, or none.
struct SubmitMany {
    Tag first{};
    std::uint32_t handler_number = 0;
    bool each = false;  ///< not so: as if each had been submitted alone
    SubmitOptions options;
    std::vector<ByteView> payloads;
    std::vector<std::string_view> ids;  ///< JSON: what the client calls each
};

/// Keep a payload for jobs to come, under its tag.
struct Put {
    Tag tag{};
    std::uint64_t size = 0;
    bool more = false;
    bool has_blob = false;
    ByteView payload;
};

/// The name of what was put is free again; jobs that have it keep it.
struct Drop {
    Tag tag{};
};

/// The client does not look at that job's result any more, which came in a descriptor.
struct Return {
    Tag tag{};
    JobId job{};
};

struct Piece {
    Tag tag{};
    bool more = false;
    ByteView payload;
};

enum class CancelWhat : std::uint32_t {
    tag = 0,
    job = 1,
    all = 2,
    batch = 3,
    label = 4,
    session = 5,
};

struct Cancel {
    Tag tag{};  ///< of the job, or of this request when it names another thing than a tag
    CancelWhat what = CancelWhat::tag;
    JobId job{};
    std::string_view name{};  ///< of the batch or label
    bool unless_running = false;
};

/// Submit anew, detached, what was set aside.
struct Retry {
    Tag tag{};
    JobId job{};
};

struct Wait {
    Tag tag{};
    JobId job{};
};

struct StatusRequest {
    Tag tag{};
    std::vector<JobId> jobs;  ///< empty: all unfinished, up to limits::status_jobs
};

struct HandlersRequest {
    Tag tag{};
};

struct Ping {
    Tag tag{};
    ByteView payload;
};

/// Read the configuration file again and do as it says.
struct ReloadRequest {
    Tag tag{};
};

struct LogLevelRequest {
    Tag tag{};
    std::string_view level;  ///< empty: only asks
};

/// Change how much may run, while it runs. Of a pool, or a label, or (neither) of all pools.
struct AdjustRequest {
    Tag tag{};
    std::string_view pool{};
    std::string_view label{};
    std::optional<std::uint64_t> max_running{};  ///< or unlimited
    std::optional<std::uint32_t> weight{};
};

using Request = std::variant<Hello, Open, Submit, Piece, Cancel, Wait, StatusRequest,
                             HandlersRequest, Ping, ReloadRequest, LogLevelRequest, SubmitMany,
                             Retry, AdjustRequest, Put, Drop, Return>;

// ---- the daemon's answers -----------------------------------------------------------------------

struct Welcome {
    std::uint16_t version = limits::protocol_version;
    std::uint32_t max_inline = limits::inline_payload;
    std::uint32_t max_frame = limits::frame;
    std::uint32_t piece = limits::piece;
    std::uint64_t max_payload = limits::payload;
    std::uint32_t credit_jobs = limits::credit_jobs;
    std::uint64_t credit_bytes = limits::credit_bytes;
    std::string_view server;
    std::uint32_t pid = 0;
};

struct Opened {
    std::uint64_t number = 0;
};

/// Jobs `job`, `job`+1, ... have the tags `first`, `first`+1, ...
struct Accepted {
    Tag first{};
    JobId job{};
    std::uint32_t count = 1;
};

struct Started {
    Tag tag{};
    JobId job{};
    SlotId worker{};
    std::uint32_t attempt = 1;
};

/// The attempt did not succeed; another begins after the delay.
struct Retrying {
    Tag tag{};
    JobId job{};
    std::uint32_t attempt = 1;  ///< that ended
    SlotId worker{};            ///< its worker; 0: it never ran
    std::uint64_t delay_ns = 0;
    JobState state = JobState::failed;
    Rarely<Cause> cause;
};

struct Chunk {
    Tag tag{};
    JobId job{};
    std::uint64_t size = 0;
    Stream stream = Stream::none;
    bool more = false;
    ByteView payload;
};

struct Progress {
    Tag tag{};
    JobId job{};
    std::uint64_t done = 0;
    std::uint64_t total = 0;  ///< 0: unknown
    std::string_view note;
};

struct JobResult {
    Tag tag{};
    JobId job{};
    std::uint64_t size = 0;
    std::uint64_t queue_ns = 0;
    std::uint64_t run_ns = 0;
    SlotId worker{};  ///< 0: it never ran
    JobState state = JobState::succeeded;
    bool more = false;
    bool has_blob = false;  ///< the payload is in the descriptor that comes along
    Rarely<Cause> cause;    ///< empty when it succeeded
    ByteView payload;
    std::uint32_t attempt = 1;
    Usage usage;                    ///< of the last attempt
    std::vector<Attempt> attempts;  ///< those before it
};

struct Cancelled {
    Tag tag{};
    std::uint32_t queued = 0;   ///< jobs that were waiting
    std::uint32_t running = 0;  ///< jobs that ran; they are gone now, or were let be
};

/// What was put can be submitted.
struct Stored {
    Tag tag{};
};

struct StatusReply {
    Tag tag{};
    Value body;
};

struct HandlersReply {
    Tag tag{};
    Value body;
};

struct Pong {
    Tag tag{};
    ByteView payload;
};

struct ReloadReply {
    Tag tag{};
    Value body;
};

struct LogLevelReply {
    Tag tag{};
    Value body;
};

struct AdjustReply {
    Tag tag{};
    Value body;
};

/// From now on so much may be unfinished in this session.
struct Credit {
    std::uint32_t jobs = 0;
    std::uint64_t bytes = 0;
};

/// The daemon stops; running jobs have so long.
struct Closing {
    std::uint64_t grace_ms = 0;
};

struct ErrorMessage {
    Tag tag{};  ///< 0: not about one request
    ErrorReply error;
};

using Reply = std::variant<Welcome, Opened, Accepted, Started, Chunk, Progress, Piece, JobResult,
                           Cancelled, StatusReply, HandlersReply, Pong, ReloadReply, LogLevelReply,
                           Credit, Closing, ErrorMessage, Retrying, AdjustReply, Stored>;

// ---- the daemon, its templates and workers ------------------------------------------------------

/// A template has loaded its modules. `body`: {"handlers": [{"name", "help", "module"}, ...]}; a
/// handler's number on the worker link is its position in that list.
struct Loaded {
    Value body;
};

/// A template cannot load; it leaves.
struct Refused {
    std::string_view module;
    std::string_view text;
};

/// Fork a worker; descriptors: its link, its segment, its standard error.
struct Fork {
    WorkerId worker;
};

struct Forked {
    WorkerId worker;
    std::int32_t pid = 0;
    std::int32_t error_number = 0;  ///< 0: forked
};

/// Asks a template for a sign of life, which is Alive.
struct Probe {};
struct Alive {};

struct Ready {
    WorkerId worker;
    std::int32_t pid = 0;
};

/// An offered job. Run it only after its claim was won.
struct JobOffer {
    Sequence sequence{};
    JobId job{};
    std::uint64_t size = 0;
    std::uint16_t handler = 0;
    std::uint16_t attempt = 1;
    bool want_started = false;
    bool has_blob = false;
    JobLimits limits;
    std::uint32_t user = 0;             ///< whose job it is: nobody else gets memory that was his
    std::vector<std::uint64_t> inputs;  ///< their sizes; each is in a descriptor, after the blob's
    ByteView args;
    ByteView payload;
};

/// Nobody looks at that job's result any more, which the worker has sent in a blob.
struct Returned {
    JobId job{};
};

struct JobStarted {
    Sequence sequence{};
};

struct JobChunk {
    Sequence sequence{};
    std::uint64_t size = 0;
    Stream stream = Stream::none;
    bool has_blob = false;
    ByteView payload;
};

struct JobOutcome {
    Sequence sequence{};
    std::uint64_t size = 0;
    std::uint64_t run_ns = 0;
    bool succeeded = true;
    bool has_blob = false;
    Usage usage;
    Rarely<Cause> cause;
    ByteView payload;
};

using TemplateOrder = std::variant<Fork, Probe>;
using TemplateReport = std::variant<Loaded, Refused, Forked, Alive>;
using WorkerReport = std::variant<Ready, JobStarted, JobChunk, JobOutcome>;

}  // namespace jobmill
