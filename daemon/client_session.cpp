// SPDX-License-Identifier: MIT
#include "daemon/client_session.hpp"

#include <unistd.h>

#include <algorithm>

#include "common/assert.hpp"
#include "common/blob.hpp"
#include "common/version.hpp"
#include "daemon/log.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {
namespace {

/// Requests that are about no job have tags of their own in the JSON spelling, above the jobs'.
constexpr std::uint64_t request_bit = std::uint64_t{1} << 63U;

}  // namespace

ClientSession::ClientSession(std::unique_ptr<Channel> channel, Who who, Settings settings,
                             Outside outside)
    : id_(who.id),
      uid_(who.uid),
      settings_(settings),
      outside_(std::move(outside)),
      channel_(std::move(channel)),
      output_(*channel_, tags_, [this](Tag tag) { result_is_out(tag); })
{
}

Result<std::unique_ptr<ClientSession>> ClientSession::create(loop::EventLoop& loop,
                                                             std::unique_ptr<Channel> channel,
                                                             Who who, Settings settings,
                                                             Outside outside)
{
    std::unique_ptr<ClientSession> session{
        new ClientSession{std::move(channel), who, settings, std::move(outside)}};
    JOBMILL_TRY_ASSIGN(
        auto timer, loop::Timer::create(loop, [raw = session.get()] {
            if (raw->finishing_) {
                raw->become_over();
            } else {
                raw->fatal(refusal(error_code::timeout, "the rest of a message did not come"));
            }
        }));
    session->partial_timer_ = std::make_unique<loop::Timer>(std::move(timer));
    session->channel_->start(
        {.on_bytes = [raw = session.get()](ByteView bytes) { raw->on_bytes(bytes); },
         .on_end = [raw = session.get()] { raw->on_end(); },
         .on_broken = [raw = session.get()](const Error&) { raw->become_over(); },
         .on_drained = [raw = session.get()] { raw->on_drained(); }});
    return session;
}

// ---- input --------------------------------------------------------------------------------------

void ClientSession::on_bytes(ByteView bytes)
{
    if (!finishing_) {
        reader_.feed(bytes);
        process();
    }
}

bool ClientSession::stalled() const
{
    // A single payload may be above the credit, when it is alone.
    const std::size_t jobs = jobs_.size() + incoming_.size();
    const bool over_credit = jobs > settings_.credit_jobs ||
                             (jobs > 1 && bytes_ + incoming_.bytes() > settings_.credit_bytes);
    // Only what is accepted ends by itself; payloads that are still coming need us to read.
    return output_.behind() || (!jobs_.empty() && over_credit);
}

void ClientSession::process()
{
    if (over_) {
        return;
    }
    while (!finishing_ && !stalled() && take_one()) {
        partial_timer_->stop();
    }
    if (finishing_) {
        return;  // its clock is another one now
    }
    output_.send_accepted();
    if (stalled()) {
        channel_->pause_reading();
        partial_timer_->stop();
        return;
    }
    channel_->resume_reading();
    close_stray_descriptors();
    watch_partial();
    if (input_ended_) {
        abandon_payloads();
    }
    end_if_done();
}

/// False when there is nothing to take, or the session ends with it.
bool ClientSession::take_one()
{
    auto outcome = reader_.next();
    output_.spell(reader_.spelling());
    if (auto* read = std::get_if<RequestReader::Read>(&outcome)) {
        if (reader_.spelling() == Spelling::json) {
            on_json(*read);
        } else if (!greeted_ && !std::holds_alternative<Hello>(read->request)) {
            fatal(refusal(error_code::bad_frame, "a binary session begins with hello"));
        } else {
            handle(read->tag, {}, read->request);
        }
    } else if (auto* refused = std::get_if<RequestReader::Refused>(&outcome)) {
        on_refused(*refused);
    } else if (auto* broken = std::get_if<RequestReader::Broken>(&outcome)) {
        fatal(std::move(broken->error));
    } else {
        return false;
    }
    return !finishing_;
}

void ClientSession::on_refused(RequestReader::Refused& refused)
{
    auto& fds = channel_->received_fds();
    const std::size_t count = std::min(refused.descriptors, fds.size());
    fds.erase(fds.begin(), fds.begin() + static_cast<std::ptrdiff_t>(count));
    if (refused.pieces_follow) {
        if (!tags_.add(refused.tag)) {
            // Its pieces could not be told from the other's.
            fatal(refusal(error_code::duplicate_id, "this id is of an unfinished job", "id"));
            return;
        }
        incoming_.begin_refused(refused.tag);
    }
    refuse_request(refused.tag, refused.id, std::move(refused.error));
}

void ClientSession::close_stray_descriptors()
{
    // All whole frames have taken theirs; what is left can only be of the one that is not whole.
    auto& fds = channel_->received_fds();
    const bool waits = reader_.spelling() == Spelling::binary && reader_.partial();
    const std::size_t kept = waits ? limits::frame_descriptors : 0;
    fds.resize(std::min(fds.size(), kept));
}

void ClientSession::abandon_payloads()
{
    for (const auto& [tag, refused] : incoming_.abandon()) {
        if (!refused) {
            refuse_request(tag, tags_.text(tag),
                           refusal(error_code::bad_value,
                                   "the input ended before the payload was whole", "payload"));
        }
        tags_.remove(tag);
    }
}

void ClientSession::watch_partial()
{
    if (!reader_.partial()) {
        partial_timer_->stop();
    } else if (!partial_timer_->active()) {
        partial_timer_->start_once(settings_.frame_timeout);
    }
}

std::optional<Tag> ClientSession::tag_for(const RequestReader::Read& json)
{
    const bool about_new_job =
        std::holds_alternative<Submit>(json.request) || std::holds_alternative<Wait>(json.request);
    if (about_new_job) {
        return tags_.add(json.id);
    }
    const auto* cancel = std::get_if<Cancel>(&json.request);
    if (std::holds_alternative<Piece>(json.request) ||
        (cancel != nullptr && cancel->what == CancelWhat::tag)) {
        return tags_.find(json.id).value_or(Tag{});
    }
    const Tag request{request_bit | ++last_request_};
    request_ids_.emplace(number(request), json.id);
    return request;
}

void ClientSession::on_json(RequestReader::Read& json)
{
    const auto tag = tag_for(json);
    if (!tag) {
        const auto* submit = std::get_if<Submit>(&json.request);
        auto error = refusal(error_code::duplicate_id, "this id is of an unfinished job", "id");
        if (submit != nullptr && submit->more) {
            fatal(std::move(error));  // its pieces could not be told from the other's
        } else {
            refuse_request(Tag{}, json.id, std::move(error));
        }
        return;
    }
    std::visit(
        [&](auto& message) {
            if constexpr (requires { message.tag; }) {
                message.tag = *tag;
            }
        },
        json.request);
    const std::string id{json.id};
    handle(*tag, id, json.request);
}

void ClientSession::on_end()
{
    input_ended_ = true;
    reader_.end();
    process();
}

void ClientSession::on_drained()
{
    if (over_) {
        return;
    }
    output_.pump();
    if (finishing_) {
        if (output_.idle()) {
            become_over();
        }
        return;
    }
    if (!output_.behind()) {
        outside_.desk.session_drained(id_);
    }
    process();
}

void ClientSession::end_if_done()
{
    const bool nothing_left = jobs_.empty() && tags_.size() == 0 && request_ids_.empty();
    if (input_ended_ && nothing_left && !finishing_) {
        finish();
    }
}

void ClientSession::finish()
{
    output_.send_accepted();
    finishing_ = true;
    channel_->pause_reading();
    partial_timer_->start_once(settings_.linger);
    if (output_.idle()) {
        become_over();
    }
}

void ClientSession::become_over()
{
    if (!over_) {
        over_ = true;
        finishing_ = true;
        partial_timer_->stop();
        channel_->pause_reading();
        outside_.over(id_);
    }
}

void ClientSession::fatal(ErrorReply error)
{
    log::info(
        "session refused",
        {{"session", number(id_)}, {"user", uid_}, {"code", error.code}, {"cause", error.text}});
    if (reader_.spelling() == Spelling::undecided) {
        output_.spell(Spelling::json);
    }
    output_.send(ErrorMessage{.tag = Tag{}, .error = std::move(error)}, {});
    finish();
}

// ---- requests -----------------------------------------------------------------------------------

void ClientSession::refuse_request(Tag tag, std::string_view id, ErrorReply error)
{
    output_.send(ErrorMessage{.tag = tag, .error = std::move(error)}, id);
}

void ClientSession::handle(Tag tag, std::string_view id, const Request& request)
{
    if (const auto* submit = std::get_if<Submit>(&request)) {
        on_submit(tag, *submit);
    } else if (const auto* piece = std::get_if<Piece>(&request)) {
        on_piece(tag, id, *piece);
    } else if (const auto* cancel = std::get_if<Cancel>(&request)) {
        on_cancel(tag, id, *cancel);
    } else if (const auto* wait = std::get_if<Wait>(&request)) {
        on_wait(tag, wait->job);
    } else if (const auto* hello = std::get_if<Hello>(&request)) {
        request_ids_.erase(number(tag));
        on_hello(*hello);
    } else if (const auto* open = std::get_if<Open>(&request)) {
        on_open(*open);
    } else if (const auto* ping = std::get_if<Ping>(&request)) {
        send(Pong{.tag = tag, .payload = ping->payload});
    } else {
        outside_.administer(*this, tag, request);
    }
}

void ClientSession::on_hello(const Hello& hello)
{
    if (hello.min_version > limits::protocol_version ||
        hello.max_version < limits::protocol_version) {
        fatal(refusal(error_code::bad_version, "this daemon speaks version 1", "min_version",
                      limits::protocol_version));
        return;
    }
    greeted_ = true;
    send(Welcome{.version = limits::protocol_version,
                 .max_payload = settings_.max_payload,
                 .credit_jobs = settings_.credit_jobs,
                 .credit_bytes = settings_.credit_bytes,
                 .server = std::string{"jobmilld "} + version,
                 .pid = static_cast<std::uint32_t>(::getpid())});
    catch_up();
}

void ClientSession::on_open(const Open& open)
{
    if (open.number == 0 || open.number > std::numeric_limits<std::uint32_t>::max()) {
        refuse_request(Tag{open.number}, {},
                       refusal(error_code::bad_value, "want a number from 1 to 2^32-1", "id"));
        return;
    }
    if (opened_.size() >= limits::opened_handlers && !opened_.contains(open.number)) {
        refuse_request(Tag{open.number}, {},
                       refusal(error_code::too_large, "too many opened handlers", "id",
                               limits::opened_handlers));
        return;
    }
    if (const auto route = outside_.pools.find(open.pool, open.handler); !route) {
        refuse_request(Tag{open.number}, {}, route.error());
        return;
    }
    opened_.insert_or_assign(open.number,
                             std::pair{std::string{open.pool}, std::string{open.handler}});
    send(Opened{open.number});
}

tl::expected<Submission, ErrorReply> ClientSession::judge(const Submit& submit) const
{
    if (outside_.closing()) {
        return refuse(error_code::closing, "the daemon stops and takes no jobs");
    }
    std::string_view pool = submit.options.pool;
    std::string_view handler = submit.options.handler;
    if (submit.handler_number != 0) {
        const auto opened = opened_.find(submit.handler_number);
        if (opened == opened_.end()) {
            return refuse(error_code::unknown_handler, "this number was not opened", "handler");
        }
        pool = opened->second.first;
        handler = opened->second.second;
    } else if (handler.empty()) {
        return refuse(error_code::missing_field, "a handler is needed", "handler");
    }
    const auto route = outside_.pools.find(pool, handler);
    if (!route) {
        return tl::unexpected<ErrorReply>(route.error());
    }
    if (const auto room = outside_.desk.admit(submit.size); !room) {
        return tl::unexpected<ErrorReply>(room.error());
    }
    return Submission{.pool = route->pool,
                      .handler = route->handler,
                      .label = std::string{submit.options.label},
                      .args = Bytes{submit.options.args.begin(), submit.options.args.end()},
                      .payload = {},
                      .detached = submit.options.detached,
                      .want_started = submit.options.want_started,
                      .want_progress = submit.options.want_progress};
}

bool ClientSession::pieces_beyond_credit(const Submit& submit) const
{
    return incoming_.size() > 0 && (incoming_.size() >= settings_.credit_jobs ||
                                    incoming_.bytes() + submit.size > settings_.credit_bytes);
}

/// What judge() passes, with the payload as far as it has come.
tl::expected<Submission, ErrorReply> ClientSession::judge_payload(const Submit& submit,
                                                                  UniqueFd blob) const
{
    auto submission = judge(submit);
    if (!submission) {
        return submission;
    }
    if (submit.more) {
        if (pieces_beyond_credit(submit)) {
            auto busy = refusal(error_code::busy, "too many payloads are on their way", "payload");
            busy.retry_after_ms = 200;
            return tl::unexpected<ErrorReply>(std::move(busy));
        }
        return submission;
    }
    if (!submit.has_blob) {
        submission->payload = Payload::copy(submit.payload);
        return submission;
    }
    if (const auto fit = check_blob(blob.get(), submit.size); !fit) {
        return refuse(error_code::bad_descriptor, fit.error().what, "payload");
    }
    submission->payload = Payload{.bytes = {}, .blob = std::move(blob), .size = submit.size};
    return submission;
}

void ClientSession::on_submit(Tag tag, const Submit& submit)
{
    UniqueFd blob;
    if (submit.has_blob && !channel_->received_fds().empty()) {
        blob = std::move(channel_->received_fds().front());
        channel_->received_fds().pop_front();
    }
    if (reader_.spelling() == Spelling::binary && !tags_.add(tag)) {
        auto error = refusal(error_code::duplicate_id, "this id is of an unfinished job", "id");
        if (submit.more) {
            fatal(std::move(error));  // its pieces could not be told from the other's
        } else {
            refuse_request(tag, {}, std::move(error));
        }
        return;
    }
    auto submission = judge_payload(submit, std::move(blob));
    if (submission && submit.more) {
        const auto begun =
            incoming_.begin(tag, std::move(*submission), submit.size, submit.payload);
        if (begun) {
            return;
        }
        submission = tl::unexpected<ErrorReply>(begun.error());
    }
    if (!submission) {
        refuse_request(tag, tags_.text(tag), submission.error());
        if (submit.more) {
            incoming_.begin_refused(tag);
        } else {
            tags_.remove(tag);
        }
        return;
    }
    accept(tag, std::move(*submission));
}

void ClientSession::accept(Tag tag, Submission submission)
{
    if (!submission.payload.blob && submission.payload.size > limits::inline_payload) {
        // A JSON line may hold more than a link's frame does.
        auto blob = make_blob(submission.payload.size);
        if (!blob || !write_blob(blob->get(), 0, submission.payload.bytes)) {
            refuse_request(tag, tags_.text(tag),
                           refusal(error_code::busy, "no memory for the payload", "payload"));
            tags_.remove(tag);
            return;
        }
        submission.payload.blob = std::move(*blob);
        submission.payload.bytes = Bytes{};
    }
    const std::uint64_t size = submission.payload.size;
    const bool detached = submission.detached;
    const JobId job = outside_.desk.next_job();
    // First of all: the job may end within its own submit.
    output_.accept(tag, job);
    if (detached) {
        // Its events are for who waits for it; this session has no more to do with it.
        tags_.remove(tag);
    } else {
        jobs_.emplace(number(tag), Credited{.job = job, .bytes = size});
        bytes_ += size;
    }
    outside_.desk.submit(*this, job, tag, std::move(submission));
}

void ClientSession::on_piece(Tag tag, std::string_view id, const Piece& piece)
{
    const bool was_coming = incoming_.contains(tag);
    auto added = incoming_.add(piece);
    if (!added) {
        refuse_request(tag, id, added.error());
        if (was_coming && !incoming_.contains(tag)) {
            tags_.remove(tag);
        }
    } else if (added->refused_ended) {
        tags_.remove(tag);
    } else if (added->whole) {
        accept(tag, std::move(*added->whole));
    }
}

void ClientSession::on_cancel(Tag tag, std::string_view id, const Cancel& cancel)
{
    if (cancel.what != CancelWhat::tag) {
        request_ids_.try_emplace(number(tag));  // the answer may take its time
    }
    if (cancel.what == CancelWhat::job) {
        outside_.desk.cancel_job(*this, tag, cancel.job);
        return;
    }
    if (cancel.what == CancelWhat::all) {
        outside_.desk.cancel_all(*this, tag);
        return;
    }
    const auto job = jobs_.find(number(tag));
    if (job != jobs_.end() && outside_.desk.knows(job->second.job)) {
        output_.send_accepted();
        outside_.desk.cancel(job->second.job);
    } else if (incoming_.drop(tag)) {
        refuse_request(tag, id,
                       refusal(error_code::not_found, "cancelled before its payload was whole"));
    } else if (job == jobs_.end()) {
        refuse_request(tag, id, refusal(error_code::not_found, "no such live job"));
    }
}

void ClientSession::on_wait(Tag tag, JobId job)
{
    if (reader_.spelling() == Spelling::binary && !tags_.add(tag)) {
        refuse_request(tag, {},
                       refusal(error_code::duplicate_id, "this id is of an unfinished job", "id"));
        return;
    }
    auto events = outside_.desk.wait(*this, tag, job);
    if (!events) {
        refuse_request(tag, tags_.text(tag), events.error());
        tags_.remove(tag);
        return;
    }
    for (UnreadEvent& event : *events) {
        if (auto* chunk = std::get_if<Chunk>(&event.head)) {
            chunk->tag = tag;
            output_.send_chunk(*chunk, std::move(event.payload));
        } else if (auto* result = std::get_if<JobResult>(&event.head)) {
            result->tag = tag;
            output_.send_result(*result, std::move(event.payload));
        }
    }
}

// ---- output -------------------------------------------------------------------------------------

void ClientSession::send(const Reply& reply)
{
    const Tag tag = std::visit(
        [](const auto& message) {
            if constexpr (requires { message.tag; }) {
                return message.tag;
            } else {
                return Tag{};
            }
        },
        reply);
    const auto request = request_ids_.extract(number(tag));
    output_.send(reply, request.empty() ? std::string_view{} : std::string_view{request.mapped()});
}

void ClientSession::deliver(Tag tag, Reply reply)
{
    output_.send_about(tag, std::move(reply));
}

void ClientSession::deliver_progress(const Progress& progress)
{
    output_.send_progress(progress);
}

void ClientSession::deliver_chunk(const Chunk& head, Payload payload)
{
    output_.send_chunk(head, std::move(payload));
}

void ClientSession::deliver_result(const JobResult& head, Payload payload)
{
    output_.send_result(head, std::move(payload));
}

void ClientSession::result_is_out(Tag tag)
{
    tags_.remove(tag);
    if (const auto job = jobs_.find(number(tag)); job != jobs_.end()) {
        bytes_ -= job->second.bytes;
        jobs_.erase(job);
    }
    // What was stalled goes on, and a session that has everything ends, at the end of the turn:
    // on_drained() follows each flush.
}

}  // namespace jobmill::daemon
