// SPDX-License-Identifier: MIT
// What a session does about each request that it has read.
#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "common/version.hpp"
#include "daemon/client_session.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {

void ClientSession::refuse_request(Tag tag, std::string_view id, ErrorReply error)
{
    output_.send(ErrorMessage{.tag = tag, .error = std::move(error)}, id);
}

void ClientSession::handle(Tag tag, std::string_view id, const Request& request)
{
    if (const auto* submit = std::get_if<Submit>(&request)) {
        if (auto verdict = intake_.submit(tag, *submit); !verdict) {
            fatal(std::move(verdict.error()));
        }
    } else if (const auto* put = std::get_if<Put>(&request)) {
        if (auto verdict = intake_.put(tag, *put); !verdict) {
            fatal(std::move(verdict.error()));
        }
    } else if (std::holds_alternative<Drop>(request)) {
        intake_.drop(tag, id);
    } else if (const auto* done_with = std::get_if<Return>(&request)) {
        on_return(*done_with);
    } else if (const auto* piece = std::get_if<Piece>(&request)) {
        intake_.piece(tag, id, *piece);
    } else if (const auto* cancel = std::get_if<Cancel>(&request)) {
        on_cancel(tag, id, *cancel);
    } else if (const auto* wait = std::get_if<Wait>(&request)) {
        on_wait(tag, wait->job);
    } else if (const auto* many = std::get_if<SubmitMany>(&request)) {
        request_ids_.erase(number(tag));
        if (auto verdict = intake_.submit_many(tag, id, *many); !verdict) {
            fatal(std::move(verdict.error()));
        }
    } else if (const auto* retry = std::get_if<Retry>(&request)) {
        request_ids_.erase(number(tag));
        on_retry(tag, id, retry->job);
    } else if (const auto* hello = std::get_if<Hello>(&request)) {
        request_ids_.erase(number(tag));
        on_hello(*hello);
    } else if (const auto* open = std::get_if<Open>(&request)) {
        intake_.open(*open);
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
    if (hello.takes_blobs && reader_.spelling() == Spelling::binary) {
        output_.take_blobs();
    }
    send(Welcome{.version = limits::protocol_version,
                 .max_payload = settings_.max_payload,
                 .credit_jobs = settings_.credit_jobs,
                 .credit_bytes = settings_.credit_bytes,
                 .server = std::string{"jobmilld "} + version,
                 .pid = static_cast<std::uint32_t>(::getpid())});
    catch_up();
}

void ClientSession::on_cancel(Tag tag, std::string_view id, const Cancel& cancel)
{
    const bool binary = reader_.spelling() == Spelling::binary;
    // The answer may take its time. (In JSON it has a tag of its own, which is known.)
    if (binary && cancel.what != CancelWhat::tag && !cancels_.insert(number(tag)).second) {
        refuse_request(tag, id,
                       refusal(error_code::duplicate_id, "this cancel is under way", "id"));
        return;
    }
    Cancel request = cancel;
    request.tag = tag;
    switch (cancel.what) {
        case CancelWhat::tag:
            return intake_.cancel(tag, id, cancel.unless_running);
        case CancelWhat::job:
            return outside_.desk.cancel_job(*this, request);
        case CancelWhat::all:
        case CancelWhat::batch:
        case CancelWhat::label:
        case CancelWhat::session:
            return outside_.desk.cancel_many(*this, request);
    }
}

UniqueFd ClientSession::lend(JobId job, Payload& result)
{
    if (over_) {
        return {};  // what it had was forgotten, and nobody would return this
    }
    const Submitter client{.session = id_, .uid = identity_.uid};
    LentResults& lent = outside_.desk.lent_results();
    if (!lent.has_room(client, result.size) ||
        !DescriptorBudget::of_this_process().allows_blob(result.blob.get())) {
        return {};
    }
    UniqueFd copy{::fcntl(result.blob.get(), F_DUPFD_CLOEXEC, 0)};
    if (copy) {
        const std::uint64_t size = result.size;
        lent.lend(
            client, job,
            std::exchange(result, Payload{.bytes = {}, .blob = {}, .size = size, .worker = {}}));
    }
    return copy;
}

void ClientSession::on_return(const Return& message)
{
    const Submitter client{.session = id_, .uid = identity_.uid};
    if (const auto result = outside_.desk.lent_results().take_back(client, message.job)) {
        outside_.desk.returned(message.job, result->worker);
    } else {
        refuse_request(message.tag, {},
                       refusal(error_code::not_found, "the client has no such result", "job"));
    }
}

void ClientSession::on_retry(Tag tag, std::string_view id, JobId job)
{
    const auto again = outside_.desk.retry(*this, job);
    if (again) {
        output_.send(Accepted{.first = tag, .job = *again, .count = 1}, id);
    } else {
        refuse_request(tag, id, again.error());
    }
}

void ClientSession::on_wait(Tag tag, JobId job)
{
    if (reader_.spelling() == Spelling::binary && !tags_.add(tag)) {
        refuse_request(tag, {},
                       refusal(error_code::duplicate_id, "this id is of an unfinished job", "id"));
        return;
    }
    auto events = wait_for(tag, job);
    if (!events) {
        refuse_request(tag, tags_.text(tag), events.error());
        tags_.remove(tag);
        return;
    }
    intake_.waits(tag, job);
    for (UnreadEvent& event : *events) {
        if (auto* chunk = std::get_if<Chunk>(&event.head)) {
            chunk->tag = tag;
            output_.send_chunk(*chunk, std::move(event.payload));
        } else if (auto* result = std::get_if<JobResult>(&event.head)) {
            result->tag = tag;
            output_.send_result(std::move(*result), std::move(event.payload));
        }
    }
    output_.judge_fullness();
    handed_over_ = output_.full();
}

tl::expected<std::vector<UnreadEvent>, ErrorReply> ClientSession::wait_for(Tag tag, JobId job)
{
    // What is kept within one bound must not fill the memory by way of sessions that do not read.
    if (!output_.has_room(outside_.desk.unread().bytes_for(job, identity_))) {
        return refuse_busy("other sessions have too much unread", retry_later_ms, "job");
    }
    return outside_.desk.wait(*this, tag, job);
}

}  // namespace jobmill::daemon
