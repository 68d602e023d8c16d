// SPDX-License-Identifier: MIT
// libjobmill: a session with jobmilld. Submit jobs, hear of each the moment something happens.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobmill/blob.hpp"
#include "jobmill/bytes.hpp"
#include "jobmill/event.hpp"
#include "jobmill/ids.hpp"
#include "jobmill/job_options.hpp"
#include "jobmill/result.hpp"
#include "jobmill/value.hpp"

namespace jobmill {

/// What submit() is given.
struct NewJob {
    std::string_view handler{};
    /// Up to the welcome's max_inline it is copied by submit(), and so is a larger one that fits
    /// Options::kept_blobs beside those in use. Else it is borrowed, and sent as the socket drains:
    /// it must live, unchanged, until the job's last event or the session's end. A span over a
    /// mapped file is welcome.
    ByteView payload{};
    std::optional<Tag> blob{};  ///< instead of a payload: what was put() under that tag
    /// What it reads beside its payload: what was put() under those tags, eight at most. Not kept.
    std::span<const Tag> inputs{};
    Map args{};               ///< what they mean is the handler's business
    std::string_view pool{};  ///< empty: the one called "default", else the first configured one
    std::string_view label{};
    bool detached = false;  ///< outlives this session; read its events with wait_job()
    bool started = false;   ///< ask for Started and Retrying
    bool retrying = false;  ///< ask for Retrying alone, which costs nothing while nothing fails
    bool progress = false;  ///< ask for Progress
    JobOptions options{};   ///< order, time, retries, limits, batch
};

/// What adjust() changes: of a pool, or of a label, or, with neither, of all pools together.
struct Adjustment {
    std::string_view pool{};
    std::string_view label{};
    std::optional<std::uint64_t> max_running{};  ///< 1 or more, or unlimited
    std::optional<std::uint32_t> weight{};       ///< 1 to 1000; of all together there is none
};

/// What a cancel does to jobs that run. One that waits for its next attempt does not.
enum class IfRunning : std::uint8_t { stop, let_be };

/// A finished job, and what it streamed before it finished.
struct Run {
    event::JobResult result;
    std::vector<event::Chunk> chunks;
};

/// One connection to the daemon. Nothing is sent before a call that pumps: next(), answer(), run(),
/// flush(), on_ready(), and submit() when it has to wait for credit.
///
/// In blocking style: submit(), then next() until every job had its JobResult or JobError. In a
/// loop of your own: watch fd() for wanted_events(), call on_ready(), take events with poll_event()
/// until there is none.
///
/// One thread at a time. Errors: Errc::invalid for what the daemon would refuse or should never
/// have said, Errc::closed when the session is over. After an error of next(), on_ready() or
/// flush() the session is over, all calls answer the same error from then on, and unfinished jobs
/// that are not detached are cancelled by the daemon. But for one: while events that nobody takes
/// fill Options::memory, calls that wait answer Errc::exhausted; take some, and the session goes
/// on.
class Client {
public:
    using Milliseconds = std::chrono::milliseconds;

    /// Whether large payloads and results go in descriptors, which nothing that passes bytes on, as
    /// `ssh -L` does, lets through; else they go in pieces, which is slower.
    enum class Descriptors : std::uint8_t {
        automatic,  ///< where it is seen that the daemon itself is at the other end
        always,
        never,
    };

    struct Options {
        std::string name = "libjobmill";
        /// Bytes of assembled payloads and of events not taken. A larger payload is dropped.
        std::size_t memory = std::size_t{1} << 30U;
        /// Deliver large results and chunks as they come, holding none of them.
        bool stream_parts = false;
        /// Hand large results over where they lie, as JobResult::blob. Not with stream_parts, nor
        /// without descriptors.
        bool result_blobs = false;
        /// Bytes of blobs that are kept for what comes next, beside those in use.
        std::size_t kept_blobs = std::size_t{128} << 20U;
        Descriptors descriptors = Descriptors::automatic;
        Milliseconds connect_timeout{5000};
        /// connect() ends, with Errc::closed, when this can be read. Not owned.
        int cancel_fd = -1;
    };

    /// The socket of this user's daemon: $JOBMILL_SOCKET, or in $XDG_RUNTIME_DIR.
    [[nodiscard]] static std::string default_path();

    [[nodiscard]] static Result<Client> connect(const std::string& path = default_path());
    [[nodiscard]] static Result<Client> connect(const std::string& path, const Options& options);
    /// Takes over a connected stream socket.
    [[nodiscard]] static Result<Client> adopt(int socket, Options options);

    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    ~Client();

    /// Whether submit() would not wait for credit. One above the welcome's max_inline waits for
    /// what is put in pieces, too.
    [[nodiscard]] bool can_submit(std::uint64_t payload_size) const noexcept;
    /// Waits for credit if need be; events that come meanwhile are kept for next().
    ///
    /// In a worker or a command of jobmill's, $JOBMILL_JOB names the running job: if the daemon is
    /// the one that $JOBMILL_SOCKET named when the client was made, that job becomes the parent of
    /// what is submitted attached, unless one is given.
    [[nodiscard]] Result<Tag> submit(const NewJob& job);
    /// Memory of that size for a payload, which is not copied then. It is the faster the sooner
    /// blobs come back, by the ends of their jobs: fresh memory costs more than to fill it. Without
    /// a descriptor for it, it is ordinary memory, whose bytes are sent.
    [[nodiscard]] Result<LentBlob> lend(std::size_t size);
    /// The same with that payload; job.payload stays empty.
    [[nodiscard]] Result<Tag> submit(const NewJob& job, LentBlob payload);
    /// Gives the daemon a payload that many jobs may have, by NewJob::blob, without copying it for
    /// each. Answered by Stored; copied as by submit(), or borrowed until then or the session's
    /// end. It counts as long as it is not dropped, or a job has it, and goes with the session.
    /// Never waits: what the daemon would refuse beside what is on its way is sent after that.
    [[nodiscard]] Result<Tag> put(ByteView payload);
    [[nodiscard]] Result<Tag> put(LentBlob payload);
    /// No job submitted from now on has it.
    [[nodiscard]] Result<void> drop(Tag blob);
    /// A job for each payload, inline all of them, which are copied; job.payload stays empty. In as
    /// few messages as credit and frames allow, waiting for credit if need be; each message is
    /// accepted or refused as a whole. Fewer tags than payloads: the daemon stops and takes no
    /// more, or waiting for credit failed; the next call says why.
    [[nodiscard]] Result<std::vector<Tag>> submit_many(std::span<const ByteView> payloads,
                                                       const NewJob& job);

    /// These answer with an event of the tag that they return. Cancelling by tag is answered by the
    /// job's own JobResult, whichever it is; or by StillRunning, when it was to be let be.
    [[nodiscard]] Result<void> cancel(Tag job, IfRunning running = IfRunning::stop);
    [[nodiscard]] Result<Tag> cancel_job(JobId job, IfRunning running = IfRunning::stop);
    [[nodiscard]] Result<Tag> cancel_all(IfRunning running = IfRunning::stop);
    [[nodiscard]] Result<Tag> cancel_batch(std::string_view name,
                                           IfRunning running = IfRunning::stop);
    [[nodiscard]] Result<Tag> cancel_label(std::string_view label,
                                           IfRunning running = IfRunning::stop);
    /// What this session submitted and is attached to it.
    [[nodiscard]] Result<Tag> cancel_session(IfRunning running = IfRunning::stop);
    /// Submits anew, detached, a job that was set aside as poison. Answered by Accepted, with the
    /// new number.
    [[nodiscard]] Result<Tag> retry_job(JobId job);
    /// The events of a detached job, from its first unread one to its JobResult, under this tag.
    [[nodiscard]] Result<Tag> wait_job(JobId job);
    [[nodiscard]] Result<Tag> status(std::vector<JobId> jobs = {});
    [[nodiscard]] Result<Tag> handlers();
    /// Have the daemon read its configuration file again. Answered when all is done, or with a
    /// JobError, code "bad_config", that says which line of the file is wrong.
    [[nodiscard]] Result<Tag> reload();
    /// Sets the level of the daemon's log, or only asks when it is empty.
    [[nodiscard]] Result<Tag> log_level(std::string_view level = {});
    /// Changes how much may run, while it runs; without max_running and weight it only asks.
    [[nodiscard]] Result<Tag> adjust(const Adjustment& adjustment);
    /// At most 1024 bytes, which come back.
    [[nodiscard]] Result<Tag> ping(ByteView payload = {});

    /// Says that nothing more will be asked: requests are refused from now on. The daemon delivers
    /// what is unfinished, then ends.
    [[nodiscard]] Result<void> half_close();

    /// The next event; none when the time is over. Waits for ever without a timeout.
    [[nodiscard]] Result<std::optional<ClientEvent>> next(std::optional<Milliseconds> timeout = {});
    /// The last event about a tag. Other events, those of that tag too, are kept for next(). A
    /// JobError comes back as an Error. Errc::not_found when that event was taken already.
    [[nodiscard]] Result<ClientEvent> answer(Tag tag);
    /// Submits, waits, and collects. Not for detached jobs. When it fails, the job is cancelled;
    /// its events are for next().
    [[nodiscard]] Result<Run> run(const NewJob& job);
    /// Waits until everything is with the system.
    [[nodiscard]] Result<void> flush();

    [[nodiscard]] int fd() const noexcept;
    /// POLLIN and POLLOUT as they apply, until on_ready() has failed. While events wait, after a
    /// call that kept them, the descriptor is ready for them at once.
    [[nodiscard]] short wanted_events() const noexcept;
    /// Sends and receives what it can without waiting; receives nothing while events wait.
    [[nodiscard]] Result<void> on_ready();
    [[nodiscard]] std::optional<ClientEvent> poll_event();

    /// Jobs and requests whose last event was not taken yet: above 0, next() has something to wait
    /// for.
    [[nodiscard]] std::size_t unfinished() const noexcept;
    [[nodiscard]] const event::Welcome& welcome() const noexcept;

private:
    struct State;
    explicit Client(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

}  // namespace jobmill
