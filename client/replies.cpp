// SPDX-License-Identifier: MIT
// What comes in, judged.
#include <algorithm>

#include "client/conversation.hpp"
#include "client/judgement.hpp"

namespace jobmill {
namespace {

std::size_t weight(const ClientEvent& event)
{
    return sizeof(ClientEvent) + std::visit(
                                     [](const auto& e) -> std::size_t {
                                         if constexpr (requires { e.payload.capacity(); }) {
                                             return e.payload.capacity();
                                         } else {
                                             return 0;
                                         }
                                     },
                                     event);
}

}  // namespace

void Conversation::emitted(const ClientEvent& event)
{
    held_ += weight(event);
    last_events_ += is_last(event) ? 1U : 0U;
}

ClientEvent Conversation::take(std::size_t position)
{
    ClientEvent event = events_.take(position);
    held_ -= weight(event);
    last_events_ -= is_last(event) ? 1U : 0U;
    return event;
}

Result<void> Conversation::receive(ByteView bytes)
{
    if (!welcomed_ && splitter_.partial() == 0 && !bytes.empty() && bytes[0] == std::byte{'{'}) {
        return refused_by_line(text_of(bytes));
    }
    splitter_.feed(bytes);
    while (true) {
        JOBMILL_TRY_ASSIGN(const std::optional<Frame> frame, splitter_.next());
        if (!frame) {
            return {};
        }
        JOBMILL_TRY(take_descriptor(frame->header));
        const Decoded<Reply> reply = decode_reply(*frame);
        if (!reply) {
            const ErrorReply& error = reply.error();
            return nonsense(find_message(frame->header.type)->name, Tag{frame->header.id},
                            error.field.empty() ? error.text : error.field + ": " + error.text);
        }
        if (!welcomed_ && !std::holds_alternative<Welcome>(*reply) &&
            !std::holds_alternative<ErrorMessage>(*reply)) {
            return fail(Errc::invalid, "the daemon spoke before its welcome");
        }
        JOBMILL_TRY(std::visit([this](const auto& message) { return on(message); }, *reply));
    }
}

/// That of the frame, which only a result may have, and only for who has said that he takes it.
Result<void> Conversation::take_descriptor(const FrameHeader& header)
{
    frame_descriptor_ = {};
    if (header.descriptors == 0) {
        return {};
    }
    if (header.type != MessageType::result || header.descriptors > 1 || !takes_blobs_ ||
        descriptors_.empty()) {
        return fail(Errc::invalid, "the daemon sent descriptors that nobody takes");
    }
    frame_descriptor_ = std::move(descriptors_.front());
    descriptors_.pop_front();
    return {};
}

Result<void> Conversation::on(const Welcome& message)
{
    if (welcomed_) {
        return fail(Errc::invalid, "the daemon sent a second welcome");
    }
    if (message.version != limits::protocol_version || message.piece == 0 ||
        message.credit_jobs == 0) {
        return fail(Errc::invalid, "the daemon sent a welcome that makes no sense");
    }
    welcome_ = {
        .version = message.version,
        .server = std::string{message.server},
        .pid = message.pid,
        .max_inline =
            std::min(message.max_inline, static_cast<std::uint32_t>(limits::inline_payload)),
        .max_payload = message.max_payload,
        .credit_jobs = message.credit_jobs,
        .credit_bytes = message.credit_bytes,
    };
    piece_size_ = std::min(message.piece, static_cast<std::uint32_t>(limits::piece));
    credit_jobs_ = message.credit_jobs;
    credit_bytes_ = message.credit_bytes;
    welcomed_ = true;
    return {};
}

Result<void> Conversation::on(const Opened& /*message*/)
{
    return {};
}

Result<Conversation::UnfinishedJob*> Conversation::job_of(Tag tag, JobId job,
                                                          std::string_view message)
{
    const auto found = jobs_.find(number(tag));
    if (found == jobs_.end()) {
        if (number(tag) > last_tag_ || number(tag) == 0) {
            return nonsense(message, tag, "there never was such a job");
        }
        return static_cast<UnfinishedJob*>(nullptr);
    }
    UnfinishedJob& unfinished = found.value();
    if (!unfinished.accepted) {
        return nonsense(message, tag, "it was not accepted");
    }
    if (unfinished.job != job) {
        return nonsense(message, tag, "it is job " + std::to_string(number(unfinished.job)));
    }
    if (unfinished.assembly) {
        return nonsense(message, tag, "pieces of its payload are missing");
    }
    return &unfinished;
}

Result<void> Conversation::on(const Accepted& message)
{
    if (message.count == 0 || message.count > jobs_.size()) {
        return nonsense("accepted", message.first, "so many jobs do not wait for it");
    }
    for (std::uint64_t i = 0; i < message.count; ++i) {
        const Tag tag{number(message.first) + i};
        const JobId job{number(message.job) + i};
        const auto found = jobs_.find(number(tag));
        if (found == jobs_.end() || found->second.accepted || number(job) == 0) {
            return nonsense("accepted", tag, "no such job waits for it");
        }
        UnfinishedJob& unfinished = found.value();
        unfinished.accepted = true;
        unfinished.job = job;
        emit(event::Accepted{.tag = tag, .job = job, .detached = unfinished.detached});
        if (unfinished.detached) {
            if (unfinished.payload) {
                BlobPool::give_away(*unfinished.payload);
            }
            forget(tag);
        }
    }
    return {};
}

Result<void> Conversation::on(const Started& message)
{
    JOBMILL_TRY_ASSIGN(const UnfinishedJob* job, job_of(message.tag, message.job, "started"));
    if (job != nullptr) {
        emit(event::Started{message.tag, message.job, message.worker, message.attempt});
    }
    return {};
}

Result<void> Conversation::on(const Retrying& message)
{
    JOBMILL_TRY_ASSIGN(const UnfinishedJob* job, job_of(message.tag, message.job, "retrying"));
    if (job != nullptr) {
        emit(event::Retrying{message.tag, message.job, message.attempt, message.worker,
                             message.delay_ns, message.state, message.cause});
    }
    return {};
}

Result<void> Conversation::on(const Progress& message)
{
    JOBMILL_TRY_ASSIGN(const UnfinishedJob* job, job_of(message.tag, message.job, "progress"));
    if (job != nullptr) {
        emit(event::Progress{message.tag, message.job, message.done, message.total,
                             std::string{message.note}});
    }
    return {};
}

void Conversation::give_credit(UnfinishedJob& job) noexcept
{
    if (job.counts) {
        job.counts = false;
        --used_jobs_;
        used_bytes_ -= job.payload_size;
    }
}

void Conversation::forget(Tag tag)
{
    const auto found = jobs_.find(number(tag));
    if (found == jobs_.end()) {
        return;
    }
    give_credit(found.value());
    const bool had_blob = found->second.payload != nullptr;
    jobs_.erase(found);
    if (had_blob) {
        pool_.trim();
    }
}

void Conversation::refuse_jobs(Tag first, const ErrorReply& error)
{
    const UnfinishedJob& job = jobs_.at(number(first));
    const std::uint64_t end = number(first) + job.together;
    // The daemon can say no more of a number than that it was not opened.
    const auto not_opened = not_opened_.find(job.handler);
    const bool is_that =
        not_opened != not_opened_.end() && error.code == error_code::unknown_handler;
    const ErrorReply& why = is_that ? not_opened->second : error;
    for (std::uint64_t id = number(first); id < end; ++id) {
        forget(Tag{id});
        stop_upload(Tag{id});
        emit(event::JobError{Tag{id}, why});
    }
}

void Conversation::refuse_handler(std::uint32_t handler, const ErrorReply& error)
{
    for (auto& [name, opened] : handlers_) {
        if (opened.number == handler) {
            not_opened_.emplace(handler, error);
            opened.number = 0;  // named from now on: it may be there one day
        }
    }
}

Result<void> Conversation::answer(Tag tag, MessageType request, ClientEvent event)
{
    const auto found = requests_.find(number(tag));
    if (found == requests_.end() || found->second != request) {
        return nonsense("answer", tag, "nothing was asked under it");
    }
    requests_.erase(found);
    emit(std::move(event));
    return {};
}

Result<void> Conversation::on(const Cancelled& message)
{
    return answer(message.tag, MessageType::cancel,
                  event::Cancelled{message.tag, message.queued, message.running});
}

Result<void> Conversation::on(const StatusReply& message)
{
    return answer(message.tag, MessageType::status, event::Status{message.tag, message.body});
}

Result<void> Conversation::on(const HandlersReply& message)
{
    return answer(message.tag, MessageType::handlers, event::Handlers{message.tag, message.body});
}

Result<void> Conversation::on(const ReloadReply& message)
{
    return answer(message.tag, MessageType::reload, event::Reloaded{message.tag, message.body});
}

Result<void> Conversation::on(const LogLevelReply& message)
{
    return answer(message.tag, MessageType::log_level, event::LogLevel{message.tag, message.body});
}

Result<void> Conversation::on(const AdjustReply& message)
{
    return answer(message.tag, MessageType::adjust, event::Adjusted{message.tag, message.body});
}

Result<void> Conversation::on(const Pong& message)
{
    return answer(message.tag, MessageType::ping, event::Pong{message.tag, copy(message.payload)});
}

Result<void> Conversation::on(const Credit& message)
{
    credit_jobs_ = message.jobs;
    credit_bytes_ = message.bytes;
    return {};
}

Result<void> Conversation::on(const Closing& message)
{
    closing_ = true;
    emit(event::Closing{message.grace_ms});
    return {};
}

Result<void> Conversation::on(const ErrorMessage& message)
{
    const std::uint64_t id = number(message.tag);
    if (id == 0) {
        emit(event::JobError{message.tag, message.error});
        return {};
    }
    const auto job = jobs_.find(id);
    if (job != jobs_.end() && job->second.accepted) {
        // Of one that is only waited for, too: this answers a cancel, and its result is to come.
        if (message.error.code == error_code::running) {
            emit(event::StillRunning{message.tag});
            return {};
        }
        // About a cancel, or a piece, that came too late: the job's result is still to come.
        if (job->second.counts || job->second.assembly) {
            return {};
        }
    }
    if (job != jobs_.end()) {
        refuse_jobs(message.tag, message.error);
    } else if (requests_.erase(id) > 0) {
        puts_.erase(id);
        stop_upload(message.tag);
        emit(event::JobError{message.tag, message.error});
    } else if (id >= first_handler_number && id - first_handler_number < opened_) {
        refuse_handler(static_cast<std::uint32_t>(id), message.error);
    }
    // Otherwise about a job that ended meanwhile.
    return {};
}

}  // namespace jobmill
