// SPDX-License-Identifier: MIT
// A session's client side without its socket: requests in, bytes out; bytes in, events out. Judges
// everything that the daemon says. Holds at most the outgoing buffer, the unfinished jobs, and
// payloads and events up to a limit of memory.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <tsl/robin_map.h>

#include "client/blob_pool.hpp"
#include "client/event_queue.hpp"
#include "common/codec.hpp"
#include "common/frame.hpp"
#include "jobmill/client.hpp"

namespace jobmill {

class Conversation {
public:
    struct Blobs {
        bool keep_results = false;  ///< hand large results over as they lie
        std::size_t kept = 0;       ///< bytes that are kept for what comes next
        bool shared = true;         ///< descriptors reach the daemon and come from it
    };

    Conversation(std::string_view client_name, std::size_t memory, bool stream_parts,
                 Blobs blobs = {.keep_results = false, .kept = 0, .shared = true});

    // ---- what goes out ----

    [[nodiscard]] bool can_submit(std::uint64_t payload_size) const noexcept;
    /// Errc::in_use when there is no credit.
    [[nodiscard]] Result<Tag> submit(const NewJob& job, std::optional<std::uint64_t> parent = {});
    [[nodiscard]] Result<Tag> submit(const NewJob& job, std::optional<std::uint64_t> parent,
                                     LentBlob payload);
    [[nodiscard]] Result<Tag> put(ByteView payload);
    [[nodiscard]] Result<Tag> put(LentBlob payload);
    [[nodiscard]] Result<void> drop(Tag blob);
    [[nodiscard]] Result<LentBlob> lend(std::size_t size);

    /// The jobs with the tags `first`, `first`+1, ...
    struct Range {
        Tag first{};
        std::uint64_t count = 0;
    };
    [[nodiscard]] Result<void> check_many(std::span<const ByteView> payloads,
                                          const NewJob& job) const;
    /// The first of these payloads, as many as credit and one frame have room for. They were
    /// checked; Errc::in_use when there is no credit for any.
    [[nodiscard]] Result<Range> submit_many(std::span<const ByteView> payloads, const NewJob& job,
                                            std::optional<std::uint64_t> parent = {});

    [[nodiscard]] Result<void> cancel(Tag job, IfRunning running);
    /// Anything but a tag.
    [[nodiscard]] Tag cancel(Cancel what, IfRunning running);
    [[nodiscard]] Result<Tag> cancel_named(CancelWhat what, std::string_view name,
                                           IfRunning running);
    [[nodiscard]] Tag retry_job(JobId job);
    [[nodiscard]] Result<Tag> adjust(const Adjustment& adjustment);
    [[nodiscard]] Result<Tag> wait_job(JobId job);
    [[nodiscard]] Result<Tag> status(std::vector<JobId> jobs);
    [[nodiscard]] Result<Tag> handlers();
    [[nodiscard]] Result<Tag> reload();
    [[nodiscard]] Result<Tag> log_level(std::string_view level);
    [[nodiscard]] Result<Tag> ping(ByteView payload);

    /// The bytes to send next; large payloads are cut into pieces here, taking turns.
    [[nodiscard]] ByteView outgoing();
    /// To be sent with the first of them.
    [[nodiscard]] std::vector<int> outgoing_descriptors() const;
    void sent(std::size_t size);
    /// Nobody takes what there is to send.
    void discard_outgoing();
    /// Nor what there will be.
    void end_output();
    [[nodiscard]] bool has_outgoing() const noexcept;

    // ---- what comes in ----

    /// Errc::invalid when the daemon says what it should not; the session is over then.
    [[nodiscard]] Result<void> receive(ByteView bytes);
    /// Where what came with the bytes is to be put before they are received.
    [[nodiscard]] std::deque<UniqueFd>& received_descriptors() noexcept { return descriptors_; }
    [[nodiscard]] const EventQueue& events() const noexcept { return events_; }
    /// Takes an event out, so that its memory counts no more.
    [[nodiscard]] ClientEvent take(std::size_t position);
    /// Bytes in events that were not taken.
    [[nodiscard]] std::size_t held() const noexcept { return held_; }

    [[nodiscard]] bool welcomed() const noexcept { return welcomed_; }
    [[nodiscard]] bool closing() const noexcept { return closing_; }
    [[nodiscard]] const event::Welcome& welcome() const noexcept { return welcome_; }
    /// Jobs that have not had their last event.
    [[nodiscard]] std::size_t unfinished() const noexcept { return jobs_.size(); }
    /// Whether an event about the tag is to come.
    [[nodiscard]] bool is_open(Tag tag) const
    {
        return jobs_.contains(number(tag)) || requests_.contains(number(tag));
    }
    /// Tags, of jobs and of requests, whose last event was not taken.
    [[nodiscard]] std::size_t open_tags() const noexcept
    {
        return jobs_.size() + requests_.size() + last_events_;
    }

private:
    /// A payload that comes in pieces.
    struct Assembly {
        ClientEvent event;  ///< a Chunk or a JobResult
        std::uint64_t missing = 0;
        bool stream = false;   ///< parts are passed on as they come
        bool dropped = false;  ///< there is no room for it, or no memory
    };
    struct UnfinishedJob {
        JobId job{};
        std::uint64_t payload_size = 0;  ///< that it takes of the credit
        bool counts = true;              ///< it takes credit
        bool detached = false;
        bool accepted = false;
        std::uint32_t handler = 0;   ///< the opened number that it names
        std::uint32_t together = 1;  ///< with so many, itself included, it is accepted or refused
        std::unique_ptr<Assembly> assembly;   ///< null: nothing of it comes in pieces
        std::shared_ptr<BlobMemory> payload;  ///< that was lent for it
    };
    /// What goes with the byte at `offset` of all that is ever sent.
    struct Attachment {
        std::uint64_t offset = 0;
        std::shared_ptr<BlobMemory> memory;
    };
    /// A payload that goes out in pieces.
    struct Upload {
        Tag tag{};
        ByteView rest;
        std::uint64_t size = 0;             ///< of all of it
        std::shared_ptr<BlobMemory> owner;  ///< null: it is borrowed
    };
    /// The message that was encoded last, if a job may still join it.
    struct Joint {
        std::uint64_t begin = 0;  ///< among all bytes that are ever sent
        std::uint64_t end = 0;
        std::uint32_t handler = 0;
        std::uint32_t count = 0;       ///< jobs in it; of 1 it is a submit
        Tag last{};                    ///< of these
        std::size_t payload_size = 0;  ///< of the first
    };
    /// Of a payload that was put and may still be dropped.
    enum class PutStage : std::uint8_t {
        sent,
        dropped,  ///< before it was stored; the daemon is told when it is
        stored,
    };
    struct OpenedHandler {
        std::uint32_t uses = 0;
        std::uint32_t number = 0;  ///< 0: named in each submit
    };

    /// A daemon that has heard nothing of us yet speaks in JSON: it turns us away, or stops.
    [[nodiscard]] static Result<void> refused_by_line(std::string_view line);
    [[nodiscard]] Result<void> check(const NewJob& job) const;
    [[nodiscard]] Result<void> check_size_of(std::uint64_t payload) const;
    [[nodiscard]] Tag new_tag() noexcept { return new_tags(1); }
    /// The first of so many tags in a row.
    [[nodiscard]] Tag new_tags(std::uint64_t count) noexcept;
    /// Of a question, whose answer is waited for under it.
    [[nodiscard]] Tag new_request(MessageType request);
    [[nodiscard]] Tag new_put();
    [[nodiscard]] bool may_upload(std::uint64_t size) const noexcept;
    void begin_puts();
    [[nodiscard]] Tag put_bytes(ByteView payload, const std::shared_ptr<BlobMemory>& owner = {});
    [[nodiscard]] Result<void> check_not_dropped(Tag blob) const;
    /// What is to be encoded of a job, and whether it can be.
    [[nodiscard]] static SubmitOptions options_of(const NewJob& job, ByteView args,
                                                  std::optional<std::uint64_t> parent);
    [[nodiscard]] std::size_t room_in_frame(std::span<const ByteView> payloads,
                                            std::size_t options_size) const noexcept;
    [[nodiscard]] std::uint32_t number_of(const NewJob& job);
    /// Whether it has nothing but a handler and a small payload.
    [[nodiscard]] bool is_plain(const NewJob& job, std::optional<std::uint64_t> parent) const;
    /// The payload is this, or the job's own when nothing was lent.
    [[nodiscard]] Result<Tag> submit_with(const NewJob& job, std::optional<std::uint64_t> parent,
                                          LentBlob payload);
    /// One that was checked, and for which there is credit.
    [[nodiscard]] Tag submit_plain(const NewJob& job);
    [[nodiscard]] bool join_last(Tag tag, std::uint32_t handler, ByteView payload);
    UnfinishedJob& remember(Tag tag, const NewJob& job, std::uint64_t payload_size);
    void add_upload_pieces();
    void add_returns();
    /// The payload of what is encoded: in the frame, or in pieces that follow.
    template <typename Message>
    void encode_with(Message& message, ByteView payload,
                     const std::shared_ptr<BlobMemory>& owner = {});
    template <typename Message>
    void encode_with(Message& message, const LentBlob& payload);
    void stop_upload(Tag tag);

    [[nodiscard]] Result<void> take_descriptor(const FrameHeader& header);
    [[nodiscard]] Result<void> on(const Welcome& message);
    [[nodiscard]] Result<void> on(const Opened& message);
    [[nodiscard]] Result<void> on(const Accepted& message);
    [[nodiscard]] Result<void> on(const Started& message);
    [[nodiscard]] Result<void> on(const Retrying& message);
    [[nodiscard]] Result<void> on(const Chunk& message);
    [[nodiscard]] Result<void> on(const Progress& message);
    [[nodiscard]] Result<void> on(const Piece& message);
    [[nodiscard]] Result<void> on(const JobResult& message);
    [[nodiscard]] Result<void> take_blob(const JobResult& message, bool wanted,
                                         event::JobResult event);
    [[nodiscard]] bool keep_blob(const UniqueFd& descriptor, event::JobResult& event);
    [[nodiscard]] Result<void> on(const Stored& message);
    [[nodiscard]] Result<void> on(const Cancelled& message);
    [[nodiscard]] Result<void> answer(Tag tag, MessageType request, ClientEvent event);
    [[nodiscard]] Result<void> on(const StatusReply& message);
    [[nodiscard]] Result<void> on(const HandlersReply& message);
    [[nodiscard]] Result<void> on(const ReloadReply& message);
    [[nodiscard]] Result<void> on(const LogLevelReply& message);
    [[nodiscard]] Result<void> on(const AdjustReply& message);
    [[nodiscard]] Result<void> on(const Pong& message);
    [[nodiscard]] Result<void> on(const Credit& message);
    [[nodiscard]] Result<void> on(const Closing& message);
    [[nodiscard]] Result<void> on(const ErrorMessage& message);

    /// The unfinished job; null when it ended before, so that the message is stale.
    [[nodiscard]] Result<UnfinishedJob*> job_of(Tag tag, JobId job, std::string_view message);
    [[nodiscard]] bool room_for(std::uint64_t size) const noexcept;
    template <typename Event, typename Message>
    [[nodiscard]] Result<void> assemble(UnfinishedJob* job, const Message& message, Event event);
    template <typename Event>
    void keep_part(Assembly& assembly, Event& event, ByteView bytes);
    void add_part(Assembly& assembly, ByteView bytes);
    void finish(Tag tag, Assembly assembly);
    void forget(Tag tag);
    /// The handler with that number could not be opened.
    void refuse_handler(std::uint32_t handler, const ErrorReply& error);
    /// The job with that tag, and those that go with it, were refused.
    void refuse_jobs(Tag first, const ErrorReply& error);
    void give_credit(UnfinishedJob& job) noexcept;
    template <typename Event>
    void emit(Event event)
    {
        emitted(events_.push(std::move(event)));
    }
    void emitted(const ClientEvent& event);

    std::size_t memory_;
    bool stream_parts_;
    bool takes_blobs_;
    bool welcomed_ = false;
    bool closing_ = false;
    event::Welcome welcome_;
    std::uint32_t piece_size_ = 0;
    FrameSplitter splitter_{Link::client, Direction::from_daemon};

    bool output_ended_ = false;
    Bytes out_;
    std::size_t out_sent_ = 0;
    std::uint64_t out_begin_ = 0;  ///< bytes that were sent and are no longer in out_
    Joint joint_;
    std::deque<Attachment> attachments_;
    std::deque<UniqueFd> descriptors_;  ///< came, and their frames are not judged yet
    UniqueFd frame_descriptor_;         ///< of the frame that is being judged
    bool keep_results_;
    BlobPool pool_;
    std::shared_ptr<Returns> returns_ = std::make_shared<Returns>();
    std::deque<Upload> uploads_;
    std::uint64_t upload_bytes_ = 0;   ///< of all of these, from their first bytes on
    std::deque<Upload> waiting_puts_;  ///< until what is on its way leaves room for them

    std::uint64_t last_tag_ = 0;
    tsl::robin_map<std::uint64_t, UnfinishedJob> jobs_;
    std::unordered_map<std::uint64_t, MessageType> requests_;
    std::unordered_map<std::uint64_t, PutStage> puts_;
    using Handlers = std::map<std::pair<std::string, std::string>, OpenedHandler, std::less<>>;
    Handlers handlers_;
    std::unordered_map<std::uint32_t, ErrorReply> not_opened_;  ///< and why
    Handlers::value_type* last_handler_ = nullptr;  ///< that was asked for: likely the next, too
    std::uint32_t opened_ = 0;
    std::uint32_t credit_jobs_ = 0;
    std::uint64_t credit_bytes_ = 0;
    std::uint32_t used_jobs_ = 0;
    std::uint64_t used_bytes_ = 0;

    EventQueue events_;
    std::size_t held_ = 0;
    std::size_t last_events_ = 0;
    std::uint64_t reserved_ = 0;  ///< announced sizes of payloads that are being put together
};

}  // namespace jobmill
