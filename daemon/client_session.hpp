// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "daemon/channel.hpp"
#include "daemon/held_accepts.hpp"
#include "daemon/job_desk.hpp"
#include "daemon/request_reader.hpp"
#include "daemon/rights.hpp"
#include "daemon/session_intake.hpp"
#include "daemon/session_output.hpp"
#include "daemon/session_patience.hpp"
#include "daemon/session_tags.hpp"

namespace jobmill::daemon {

/// One accepted connection: requests in either spelling in, events out. Holds the client to its
/// credit, and ends when the client is gone, or has shut down and got everything.
class ClientSession {
public:
    struct Settings {
        std::uint32_t credit_jobs = limits::credit_jobs;
        std::uint64_t credit_bytes = limits::credit_bytes;
        std::uint64_t max_payload = limits::payload;
        SessionPatience::Settings patience;
    };

    /// The session's number, and who its client is.
    struct Who {
        SessionId id{};
        Identity identity;
    };

    /// What a session needs of the daemon.
    struct Outside {
        JobDesk& desk;
        const PoolDirectory& pools;
        HeldAccepts& held_accepts;
        /// Answers a request that is about the daemon: at once, or later by send().
        std::function<void(ClientSession&, Tag, const Request&)> administer;
        /// True once the daemon takes no more jobs.
        std::function<bool()> closing;
        /// The session is over; it may be destroyed after this turn.
        std::function<void(SessionId)> over;
    };

    [[nodiscard]] static Result<std::unique_ptr<ClientSession>> create(
        loop::EventLoop& loop, std::unique_ptr<Channel> channel, Who who, Settings settings,
        Outside outside);

    [[nodiscard]] SessionId id() const noexcept { return id_; }
    [[nodiscard]] const Identity& identity() const noexcept { return identity_; }
    /// Jobs that it reads and that have not ended.
    [[nodiscard]] std::size_t unfinished() const noexcept { return tags_.size(); }

    /// A message that is about no job of this session.
    void send(const Reply& reply);
    /// The answer to a cancel of jobs by anything but their tag.
    void answer_cancel(Tag tag, const Reply& reply);
    /// A message to everybody. Whoever has not said yet in which spelling to speak to him hears
    /// nothing; he has asked for nothing either.
    void announce(const Reply& reply)
    {
        if (greeted_ || reader_.spelling() == Spelling::json) {
            send(reply);
        }
    }

    // What happens to jobs that this session reads.
    void deliver(Tag tag, Reply reply) { output_.send_about(tag, std::move(reply)); }
    void deliver_progress(const Progress& progress) { output_.send_progress(progress); }
    void deliver_chunk(const Chunk& head, Payload payload)
    {
        output_.send_chunk(head, std::move(payload));
    }
    void deliver_result(JobResult&& head, Payload&& payload)
    {
        output_.send_result(std::move(head), std::move(payload));
    }
    [[nodiscard]] bool congested(Tag tag) const { return output_.congested(tag); }

    /// Takes no more requests, sends what there is, then is over.
    void finish();

    /// It takes no more requests until the desk has looked for what the last one means.
    void await_look() { awaits_look_ = true; }
    void look_is_over();

private:
    ClientSession(std::unique_ptr<Channel> channel, Who who, Settings settings, Outside outside);

    void on_bytes(ByteView bytes);
    void on_end();
    void on_drained();
    void process();
    bool take_one();
    void on_refused(RequestReader::Refused& refused);
    [[nodiscard]] bool stalled() const;
    void on_lost(SessionPatience::Lost lost);
    void close_stray_descriptors();
    void end_if_done();
    void become_over();

    void handle(Tag tag, std::string_view id, const Request& request);
    void on_hello(const Hello& hello);
    /// An announcement that was made before this client could hear it; nothing of it runs.
    void catch_up()
    {
        if (outside_.closing()) {
            send(Closing{});
        }
    }
    void on_cancel(Tag tag, std::string_view id, const Cancel& cancel);
    void on_wait(Tag tag, JobId job);
    [[nodiscard]] tl::expected<std::vector<UnreadEvent>, ErrorReply> wait_for(Tag tag, JobId job);
    void on_retry(Tag tag, std::string_view id, JobId job);
    void name_puts(SubmitOptions& options) const;
    void on_json(RequestReader::Read& json);
    [[nodiscard]] std::optional<Tag> tag_for(const RequestReader::Read& json);
    void result_is_out(Tag tag);
    /// The descriptor for the client, if it may have the result as it lies.
    [[nodiscard]] UniqueFd lend(JobId job, Payload& result);
    void on_return(const Return& message);
    void refuse_request(Tag tag, std::string_view id, ErrorReply error);
    void fatal(ErrorReply error);

    SessionId id_;
    Identity identity_;
    Settings settings_;
    Outside outside_;
    std::unique_ptr<Channel> channel_;
    SessionTags tags_;
    SessionOutput output_;
    SessionIntake intake_;
    std::unique_ptr<SessionPatience> patience_;

    RequestReader reader_;
    bool greeted_ = false;  ///< hello was said; binary must begin with it
    bool awaits_look_ = false;
    bool handed_over_ = false;  ///< what a detached job had said, and it is much
    bool input_ended_ = false;
    bool finishing_ = false;
    bool over_ = false;

    /// Requests that are not answered yet, by their tags, with their ids: in the JSON spelling.
    std::unordered_map<std::uint64_t, std::string> request_ids_;
    /// The tags of cancels that are not, in the binary spelling. What else has such a tag meanwhile
    /// is answered at once, and takes none out.
    std::unordered_set<std::uint64_t> cancels_;
    std::uint64_t last_request_ = 0;
};

}  // namespace jobmill::daemon
