// SPDX-License-Identifier: MIT
#include "daemon/client_session.hpp"

#include <algorithm>

#include "daemon/log.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {
namespace {

/// Requests that are about no job have tags of their own in the JSON spelling, above the jobs'.
constexpr std::uint64_t request_bit = std::uint64_t{1} << 63U;

/// Requests of a session that may wait for their answers, as cancels of what will not end do.
/// Beyond it the session is not read; each answer makes room.
constexpr std::size_t most_unanswered = 1024;

}  // namespace

ClientSession::ClientSession(std::unique_ptr<Channel> channel, Who who, Settings settings,
                             Outside outside)
    : id_(who.id),
      identity_(who.identity),
      settings_(settings),
      outside_(std::move(outside)),
      channel_(std::move(channel)),
      output_(*channel_, tags_, {.room = outside_.desk.output_room(), .uid = who.identity.uid},
              outside_.held_accepts,
              {.lend = [this](JobId job, Payload& result) { return lend(job, result); },
               .result_is_out = [this](Tag tag) { result_is_out(tag); },
               .is_full = [this](bool full) { outside_.desk.session_behind(id_, full); }}),
      intake_({.session = who.id, .uid = who.identity.uid},
              {.jobs = settings.credit_jobs, .bytes = settings.credit_bytes},
              {.channel = *channel_,
               .tags = tags_,
               .output = output_,
               .desk = outside_.desk,
               .pools = outside_.pools,
               .descriptors = DescriptorBudget::of_this_process(),
               .closing = outside_.closing})
{
}

Result<std::unique_ptr<ClientSession>> ClientSession::create(loop::EventLoop& loop,
                                                             std::unique_ptr<Channel> channel,
                                                             Who who, Settings settings,
                                                             Outside outside)
{
    std::unique_ptr<ClientSession> session{
        new ClientSession{std::move(channel), who, settings, std::move(outside)}};
    JOBMILL_TRY_ASSIGN(session->patience_,
                       SessionPatience::create(loop, settings.patience, *session->channel_,
                                               [raw = session.get()](SessionPatience::Lost lost) {
                                                   raw->on_lost(lost);
                                               }));
    session->channel_->start(
        {.on_bytes = [raw = session.get()](ByteView bytes) { raw->on_bytes(bytes); },
         .on_end = [raw = session.get()] { raw->on_end(); },
         .on_broken = [raw = session.get()](const Error&) { raw->become_over(); },
         .on_drained = [raw = session.get()] { raw->on_drained(); },
         .on_full =
             [raw = session.get()] {
                 raw->output_.judge_fullness();
                 raw->patience_->is_full();
             }});
    return session;
}

// ---- input --------------------------------------------------------------------------------------

void ClientSession::on_bytes(ByteView bytes)
{
    if (!finishing_) {
        intake_.close_costly_descriptors();
        reader_.feed(bytes);
        process();
    }
}

bool ClientSession::stalled() const
{
    return output_.behind() || (handed_over_ && output_.full()) || intake_.spent() ||
           request_ids_.size() + cancels_.size() > most_unanswered || awaits_look_;
}

void ClientSession::process()
{
    if (over_) {
        return;
    }
    while (!finishing_ && !stalled() && take_one()) {
        patience_->message_came();
    }
    if (finishing_) {
        return;  // its clock is another one now
    }
    if (stalled()) {
        output_.send_accepted();
        channel_->pause_reading();
        patience_->does_not_listen();
        return;
    }
    channel_->resume_reading();
    close_stray_descriptors();
    patience_->waits_for_more(reader_.partial());
    if (input_ended_) {
        output_.send_accepted();
        intake_.abandon_payloads();
    } else {
        output_.send_accepted_soon();
    }
    end_if_done();
}

void ClientSession::look_is_over()
{
    awaits_look_ = false;
    process();
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
            reader_.done_with(read->request);
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
        if (auto skipped = intake_.skip_pieces(refused.tag, refused.id); !skipped) {
            fatal(std::move(skipped.error()));
            return;
        }
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

void ClientSession::on_lost(SessionPatience::Lost lost)
{
    using enum SessionPatience::Lost;
    switch (lost) {
        case silent:
            return fatal(refusal(error_code::timeout, "no first message came in time"));
        case unfinished:
            return fatal(refusal(error_code::timeout, "the rest of a message did not come"));
        case stalled:
            log::info(
                "session stalled",
                {{"session", number(id_)}, {"user", identity_.uid}, {"bytes", channel_->unsent()}});
            return become_over();
        case lingering:
            return become_over();
    }
}

std::optional<Tag> ClientSession::tag_for(const RequestReader::Read& json)
{
    const bool about_new_job =
        std::holds_alternative<Submit>(json.request) || std::holds_alternative<Wait>(json.request);
    if (about_new_job || std::holds_alternative<Put>(json.request)) {
        return tags_.add(json.id);
    }
    const auto* cancel = std::get_if<Cancel>(&json.request);
    if (std::holds_alternative<Piece>(json.request) || std::holds_alternative<Drop>(json.request) ||
        (cancel != nullptr && cancel->what == CancelWhat::tag)) {
        return tags_.find(json.id).value_or(Tag{});
    }
    const Tag request{request_bit | ++last_request_};
    request_ids_.emplace(number(request), json.id);
    return request;
}

/// What was put goes by number from here on; by 0 when there is none of that name.
void ClientSession::name_puts(SubmitOptions& options) const
{
    const auto number_of = [this](std::string_view id) {
        return number(tags_.find(id).value_or(Tag{}));
    };
    if (options.blob) {
        options.blob = number_of(options.blob_id);
    }
    for (const std::string_view id : *options.input_ids) {
        options.inputs.edit().push_back(number_of(id));
    }
}

void ClientSession::on_json(RequestReader::Read& json)
{
    const auto tag = tag_for(json);
    if (!tag) {
        const bool more = std::visit(
            [](const auto& message) {
                if constexpr (requires { message.more; }) {
                    return message.more;
                } else {
                    return false;
                }
            },
            json.request);
        auto error = refusal(error_code::duplicate_id, "this id is in use", "id");
        if (more) {
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
    if (auto* submit = std::get_if<Submit>(&json.request)) {
        name_puts(submit->options);
    } else if (auto* many = std::get_if<SubmitMany>(&json.request)) {
        name_puts(many->options);
    }
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
    handed_over_ = handed_over_ && output_.full();
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
    const bool nothing_left =
        intake_.idle() && tags_.size() == 0 && request_ids_.empty() && cancels_.empty();
    if (input_ended_ && nothing_left && !finishing_) {
        finish();
    }
}

void ClientSession::finish()
{
    output_.send_accepted();
    finishing_ = true;
    channel_->pause_reading();
    patience_->says_last_words();
    if (output_.idle()) {
        become_over();
    }
}

void ClientSession::become_over()
{
    if (!over_) {
        over_ = true;
        finishing_ = true;
        patience_->stop();
        channel_->pause_reading();
        output_.end();
        outside_.desk.lent_results().forget({.session = id_, .uid = identity_.uid});
        outside_.over(id_);
    }
}

void ClientSession::fatal(ErrorReply error)
{
    log::info("session refused", {{"session", number(id_)},
                                  {"user", identity_.uid},
                                  {"code", error.code},
                                  {"cause", error.text}});
    if (reader_.spelling() == Spelling::undecided) {
        output_.spell(Spelling::json);
    }
    output_.send(ErrorMessage{.tag = Tag{}, .error = std::move(error)}, {});
    finish();
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

void ClientSession::answer_cancel(Tag tag, const Reply& reply)
{
    cancels_.erase(number(tag));
    send(reply);
}

void ClientSession::result_is_out(Tag tag)
{
    intake_.result_is_out(tag);
    // What was stalled goes on, and a session that has everything ends, at the end of the turn:
    // on_drained() follows each flush.
}

}  // namespace jobmill::daemon
