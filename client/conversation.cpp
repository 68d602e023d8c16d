// SPDX-License-Identifier: MIT
// What goes out. What comes in is in replies.cpp.
#include "client/conversation.hpp"

#include <algorithm>

#include "common/msgpack.hpp"

namespace jobmill {
namespace {

/// So much is encoded ahead of the socket; submits wait beyond it.
constexpr std::size_t most_outgoing = std::size_t{1024} * 1024;
/// Pieces are added while less than this waits to be sent.
constexpr std::size_t outgoing_low = std::size_t{256} * 1024;
/// Numbers of opened handlers begin here, so that an error's id tells a handler from a job.
constexpr std::uint32_t first_handler_number = 0xffff0000;

Result<void> check_name(std::string_view what, std::string_view name)
{
    if (name.size() > limits::name) {
        return fail(Errc::invalid, std::string{what} + " of " + std::to_string(name.size()) +
                                       " bytes; the limit is " + std::to_string(limits::name));
    }
    return {};
}

}  // namespace

Conversation::Conversation(std::string_view client_name, std::size_t memory, bool stream_parts)
    : memory_(memory), stream_parts_(stream_parts)
{
    append(out_, preamble);
    Hello hello;
    hello.client = client_name.substr(0, limits::name);
    encode(hello, out_);
}

bool Conversation::can_submit(std::uint64_t payload_size) const noexcept
{
    if (!welcomed_ || out_.size() - out_sent_ > most_outgoing) {
        return false;
    }
    if (used_jobs_ == 0) {
        return credit_jobs_ > 0;  // a payload above the window may go alone
    }
    return used_jobs_ < credit_jobs_ && used_bytes_ < credit_bytes_ &&
           payload_size <= credit_bytes_ - used_bytes_;
}

Result<void> Conversation::check(const NewJob& job) const
{
    if (job.handler.empty()) {
        return fail(Errc::invalid, "a job needs a handler");
    }
    JOBMILL_TRY(check_name("handler name", job.handler));
    JOBMILL_TRY(check_name("pool name", job.pool));
    JOBMILL_TRY(check_name("label", job.label));
    if (job.payload.size() > welcome_.max_payload) {
        return fail(Errc::invalid, "payload of " + std::to_string(job.payload.size()) +
                                       " bytes; the daemon's limit is " +
                                       std::to_string(welcome_.max_payload));
    }
    return {};
}

Tag Conversation::new_tag() noexcept
{
    ++last_tag_;
    if (last_tag_ == first_handler_number) {
        last_tag_ = std::uint64_t{1} << 32U;
    }
    return Tag{last_tag_};
}

std::uint32_t Conversation::number_of(const NewJob& job)
{
    const auto found =
        handlers_.try_emplace({std::string{job.pool}, std::string{job.handler}}).first;
    OpenedHandler& handler = found->second;
    ++handler.uses;
    if (handler.uses == 2 && opened_ < limits::opened_handlers) {
        handler.number = first_handler_number + opened_;
        ++opened_;
        encode(Open{.number = handler.number, .pool = job.pool, .handler = job.handler}, out_);
    }
    return handler.number;
}

Result<Tag> Conversation::submit(const NewJob& job)
{
    if (closing_) {
        return fail(Errc::closed, "the daemon stops and takes no jobs");
    }
    JOBMILL_TRY(check(job));
    if (!can_submit(job.payload.size())) {
        return fail(Errc::in_use, "no credit for another job");
    }
    Bytes args;
    if (!job.args.empty()) {
        msgpack::Writer{args}.value(Value{job.args});
    }
    Submit submit{.options = {.pool = job.pool,
                              .handler = job.handler,
                              .label = job.label,
                              .args = args,
                              .detached = job.detached,
                              .want_started = job.started,
                              .want_progress = job.progress},
                  .payload = {}};
    if (const std::size_t size = encoded_size(submit.options); size > limits::meta) {
        return fail(Errc::invalid, "the job's arguments need " + std::to_string(size) +
                                       " bytes; the limit is " + std::to_string(limits::meta));
    }
    submit.handler_number = number_of(job);
    if (submit.handler_number != 0) {
        submit.options.pool = {};
        submit.options.handler = {};
    }
    submit.tag = new_tag();
    submit.size = job.payload.size();
    submit.more = job.payload.size() > welcome_.max_inline;
    if (submit.more) {
        uploads_.push_back(Upload{submit.tag, job.payload});
    } else {
        submit.payload = job.payload;
    }
    encode(submit, out_);
    UnfinishedJob& unfinished = jobs_[number(submit.tag)];
    unfinished.payload_size = job.payload.size();
    unfinished.detached = job.detached;
    ++used_jobs_;
    used_bytes_ += job.payload.size();
    return submit.tag;
}

Result<void> Conversation::cancel(Tag job)
{
    if (!jobs_.contains(number(job))) {
        return fail(Errc::not_found, "no unfinished job " + std::to_string(number(job)));
    }
    encode(Cancel{.tag = job, .what = CancelWhat::tag, .job = {}}, out_);
    return {};
}

Result<Tag> Conversation::cancel_job(JobId job)
{
    const Tag tag = new_tag();
    requests_.emplace(number(tag), MessageType::cancel);
    encode(Cancel{.tag = tag, .what = CancelWhat::job, .job = job}, out_);
    return tag;
}

Result<Tag> Conversation::cancel_all()
{
    const Tag tag = new_tag();
    requests_.emplace(number(tag), MessageType::cancel);
    encode(Cancel{.tag = tag, .what = CancelWhat::all, .job = {}}, out_);
    return tag;
}

Result<Tag> Conversation::wait_job(JobId job)
{
    const Tag tag = new_tag();
    UnfinishedJob& unfinished = jobs_[number(tag)];
    unfinished.job = job;
    unfinished.accepted = true;
    unfinished.counts = false;
    encode(Wait{.tag = tag, .job = job}, out_);
    return tag;
}

Result<Tag> Conversation::status(std::vector<JobId> jobs)
{
    if (jobs.size() > limits::status_jobs) {
        return fail(Errc::invalid, "status of " + std::to_string(jobs.size()) +
                                       " jobs; the limit is " +
                                       std::to_string(limits::status_jobs));
    }
    const Tag tag = new_tag();
    requests_.emplace(number(tag), MessageType::status);
    encode(StatusRequest{.tag = tag, .jobs = std::move(jobs)}, out_);
    return tag;
}

Result<Tag> Conversation::handlers()
{
    const Tag tag = new_tag();
    requests_.emplace(number(tag), MessageType::handlers);
    encode(HandlersRequest{.tag = tag}, out_);
    return tag;
}

Result<Tag> Conversation::reload()
{
    const Tag tag = new_tag();
    requests_.emplace(number(tag), MessageType::reload);
    encode(ReloadRequest{.tag = tag}, out_);
    return tag;
}

Result<Tag> Conversation::log_level(std::string_view level)
{
    if (level.size() > limits::name) {
        return fail(Errc::invalid, "a log level of " + std::to_string(level.size()) +
                                       " bytes; the limit is " + std::to_string(limits::name));
    }
    const Tag tag = new_tag();
    requests_.emplace(number(tag), MessageType::log_level);
    encode(LogLevelRequest{.tag = tag, .level = level}, out_);
    return tag;
}

Result<Tag> Conversation::ping(ByteView payload)
{
    if (payload.size() > limits::ping_payload) {
        return fail(Errc::invalid, "ping of " + std::to_string(payload.size()) +
                                       " bytes; the limit is " +
                                       std::to_string(limits::ping_payload));
    }
    const Tag tag = new_tag();
    requests_.emplace(number(tag), MessageType::ping);
    encode(Ping{.tag = tag, .payload = payload}, out_);
    return tag;
}

void Conversation::add_upload_pieces()
{
    while (!uploads_.empty() && out_.size() - out_sent_ < outgoing_low) {
        Upload upload = uploads_.front();
        uploads_.pop_front();
        const ByteView piece =
            upload.rest.first(std::min<std::size_t>(upload.rest.size(), piece_size_));
        upload.rest = upload.rest.subspan(piece.size());
        encode(Piece{.tag = upload.tag, .more = !upload.rest.empty(), .payload = piece}, out_);
        if (!upload.rest.empty()) {
            uploads_.push_back(upload);
        }
    }
}

/// The daemon swallows the pieces of a refused payload up to the last one: end them early.
void Conversation::stop_upload(Tag tag)
{
    const auto stopped =
        std::erase_if(uploads_, [&](const Upload& upload) { return upload.tag == tag; });
    if (stopped > 0) {
        encode(Piece{.tag = tag, .more = false, .payload = {}}, out_);
    }
}

ByteView Conversation::outgoing()
{
    if (out_sent_ > 0) {
        out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_sent_));
        out_sent_ = 0;
    }
    add_upload_pieces();
    return out_;
}

void Conversation::sent(std::size_t size)
{
    out_sent_ += size;
}

bool Conversation::has_outgoing() const noexcept
{
    return out_sent_ < out_.size() || !uploads_.empty();
}

Result<void> Conversation::refused_by_line(std::string_view line)
{
    if (line.find(R"("op":"closing")") != std::string_view::npos) {
        return fail(Errc::closed, "the daemon stops");
    }
    if (line.find(R"("code":"busy")") != std::string_view::npos) {
        return fail(Errc::in_use, "the daemon has as many sessions as it may have; try again");
    }
    return fail(Errc::invalid, "who listens there speaks another protocol");
}

}  // namespace jobmill
