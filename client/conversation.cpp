// SPDX-License-Identifier: MIT
// What goes out: jobs. Small ones that follow one another are in joint_submits.cpp, payloads in
// payloads.cpp, other requests in questions.cpp; how bytes leave is in outgoing.cpp, and what comes
// in in replies.cpp.
#include "client/conversation.hpp"

#include <algorithm>

#include "client/judgement.hpp"
#include "common/msgpack.hpp"
#include "common/option_table.hpp"
#include "common/utf8.hpp"

namespace jobmill {
namespace {

/// So much is encoded ahead of the socket; submits wait beyond it.
constexpr std::size_t most_outgoing = std::size_t{1024} * 1024;

Bytes args_of(const NewJob& job)
{
    Bytes args;
    if (!job.args.empty()) {
        msgpack::Writer{args}.value(Value{job.args});
    }
    return args;
}

/// At any depth; null when there is none.
const LargeInteger* find_large(const Value& value)  // NOLINT(misc-no-recursion): as deep as it is
{
    if (const Array* items = value.array()) {
        for (const Value& item : *items) {
            if (const LargeInteger* found = find_large(item)) {
                return found;
            }
        }
    } else if (const Map* members = value.map()) {
        for (const auto& [name, member] : *members) {
            if (const LargeInteger* found = find_large(member)) {
                return found;
            }
        }
    }
    return std::get_if<LargeInteger>(&value);
}

Result<void> check_args(const Map& args)
{
    for (const auto& [name, value] : args) {
        if (const LargeInteger* large = find_large(value)) {
            return fail(Errc::invalid, "args: " + name + ": " + std::to_string(large->number) +
                                           "; the limit of integers is 2^63-1");
        }
    }
    return {};
}

/// Whether the options fit the metadata of a frame.
Result<void> check_size(const SubmitOptions& options)
{
    // All but the arguments is short.
    const std::size_t size =
        options.args.size() < limits::meta / 2 ? options.args.size() : encoded_size(options);
    return size <= limits::meta
               ? Result<void>{}
               : fail(Errc::invalid, "the job's arguments need " + std::to_string(size) +
                                         " bytes; the limit is " + std::to_string(limits::meta));
}

}  // namespace

Conversation::Conversation(std::string_view client_name, std::size_t memory, bool stream_parts,
                           Blobs blobs)
    : memory_(memory),
      stream_parts_(stream_parts),
      takes_blobs_(blobs.shared && !stream_parts),
      keep_results_(blobs.keep_results && takes_blobs_),
      pool_(blobs.kept, blobs.shared)
{
    append(out_, preamble);
    Hello hello;
    const std::string name = utf8_cut(client_name, limits::name);
    hello.client = name;
    hello.takes_blobs = takes_blobs_;
    encode(hello, out_);
}

bool Conversation::can_submit(std::uint64_t payload_size) const noexcept
{
    if (!welcomed_ || out_.size() - out_sent_ > most_outgoing) {
        return false;
    }
    if (payload_size > welcome_.max_inline &&
        !(waiting_puts_.empty() && may_upload(payload_size))) {
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
    JOBMILL_TRY(as_result(options::check(job.options)));
    JOBMILL_TRY(check_args(job.args));
    if (job.inputs.size() > limits::inputs) {
        return fail(Errc::invalid, std::to_string(job.inputs.size()) + " inputs; the limit is " +
                                       std::to_string(limits::inputs));
    }
    if (job.blob) {
        JOBMILL_TRY(check_not_dropped(*job.blob));
    }
    for (const Tag input : job.inputs) {
        JOBMILL_TRY(check_not_dropped(input));
    }
    return check_size_of(job.payload.size());
}

Result<void> Conversation::check_size_of(std::uint64_t payload) const
{
    if (payload > welcome_.max_payload) {
        return fail(Errc::invalid, "payload of " + std::to_string(payload) +
                                       " bytes; the daemon's limit is " +
                                       std::to_string(welcome_.max_payload));
    }
    return {};
}

Tag Conversation::new_tags(std::uint64_t count) noexcept
{
    if (last_tag_ < first_handler_number && last_tag_ + count >= first_handler_number) {
        last_tag_ = (std::uint64_t{1} << 32U) - 1;
    }
    const Tag first{last_tag_ + 1};
    last_tag_ += count;
    return first;
}

std::uint32_t Conversation::number_of(const NewJob& job)
{
    const auto is_last = [&](const Handlers::value_type& each) {
        return each.first.second == job.handler && each.first.first == job.pool;
    };
    if (last_handler_ == nullptr || !is_last(*last_handler_)) {
        last_handler_ =
            &*handlers_.try_emplace({std::string{job.pool}, std::string{job.handler}}).first;
    }
    OpenedHandler& handler = last_handler_->second;
    ++handler.uses;
    if (handler.uses == 2 && opened_ < limits::opened_handlers) {
        handler.number = first_handler_number + opened_;
        ++opened_;
        encode(Open{.number = handler.number, .pool = job.pool, .handler = job.handler}, out_);
    }
    return handler.number;
}

SubmitOptions Conversation::options_of(const NewJob& job, ByteView args,
                                       std::optional<std::uint64_t> parent)
{
    SubmitOptions options{.pool = job.pool,
                          .handler = job.handler,
                          .label = job.label,
                          .args = args,
                          .detached = job.detached,
                          .want_started = job.started,
                          .want_retrying = job.retrying,
                          .want_progress = job.progress,
                          .job = job.options};
    if (job.blob) {
        options.blob = number(*job.blob);
    }
    for (const Tag input : job.inputs) {
        options.inputs.edit().push_back(number(input));
    }
    if (parent) {
        options.job.edit().parent = parent;
    }
    return options;
}

Conversation::UnfinishedJob& Conversation::remember(Tag tag, const NewJob& job,
                                                    std::uint64_t payload_size)
{
    UnfinishedJob& unfinished = jobs_[number(tag)];
    unfinished.payload_size = payload_size;
    unfinished.detached = job.detached;
    ++used_jobs_;
    used_bytes_ += payload_size;
    return unfinished;
}

Result<Tag> Conversation::submit(const NewJob& job, std::optional<std::uint64_t> parent)
{
    return submit_with(job, parent, {});
}

Result<Tag> Conversation::submit(const NewJob& job, std::optional<std::uint64_t> parent,
                                 LentBlob payload)
{
    if (payload.memory_ == nullptr) {
        return fail(Errc::invalid, "nothing was lent to be submitted");
    }
    return submit_with(job, parent, std::move(payload));
}

Result<Tag> Conversation::submit_with(const NewJob& job, std::optional<std::uint64_t> parent,
                                      LentBlob payload)
{
    if (closing_) {
        return fail(Errc::closed, "the daemon stops and takes no jobs");
    }
    JOBMILL_TRY(check(job));
    const bool lent = payload.memory_ != nullptr;
    if (int{lent} + int{job.blob.has_value()} + int{!job.payload.empty()} > 1) {
        return fail(Errc::invalid, "a job has one payload");
    }
    const std::size_t size = lent ? payload.bytes().size() : job.payload.size();
    JOBMILL_TRY(check_size_of(size));
    if (!can_submit(size)) {
        return fail(Errc::in_use, "no credit for another job");
    }
    if (!lent && is_plain(job, parent)) {
        return submit_plain(job);
    }
    if (!lent && size > welcome_.max_inline) {
        JOBMILL_TRY_ASSIGN(auto copied, pool_.copy(job.payload));
        if (copied) {
            payload = std::move(*copied);
        }
    }
    const Bytes args = args_of(job);
    Submit submit{.options = options_of(job, args, parent), .payload = {}};
    JOBMILL_TRY(check_size(submit.options));
    submit.handler_number = number_of(job);
    if (submit.handler_number != 0) {
        submit.options.pool = {};
        submit.options.handler = {};
    }
    add_returns();
    submit.tag = new_tag();
    if (payload.memory_ != nullptr) {
        encode_with(submit, payload);
    } else {
        encode_with(submit, job.payload);
    }
    UnfinishedJob& unfinished = remember(submit.tag, job, size);
    unfinished.handler = submit.handler_number;
    if (payload.memory_ != nullptr && payload.memory_->descriptor) {
        unfinished.payload = std::move(payload.memory_);  // what goes in pieces is the upload's
    }
    return submit.tag;
}

Result<void> Conversation::check_many(std::span<const ByteView> payloads, const NewJob& job) const
{
    JOBMILL_TRY(check(job));
    if (!job.payload.empty() || job.blob) {
        return fail(Errc::invalid, "the payloads of many jobs are given apart from them");
    }
    for (const ByteView payload : payloads) {
        if (payload.size() > welcome_.max_inline) {
            return fail(Errc::invalid, "payload of " + std::to_string(payload.size()) +
                                           " bytes; the limit of one among many is " +
                                           std::to_string(welcome_.max_inline));
        }
    }
    return {};
}

std::size_t Conversation::room_in_frame(std::span<const ByteView> payloads,
                                        std::size_t options_size) const noexcept
{
    const std::size_t fixed = FrameHeader::size + find_message(MessageType::submit_many)->fixed;
    std::size_t frame = fixed + options_size;
    std::uint64_t bytes = used_bytes_;
    std::uint64_t jobs = used_jobs_;
    std::size_t count = 0;
    for (const ByteView payload : payloads) {
        frame += sizeof(std::uint32_t) + payload.size();
        const bool alone = jobs == 0;  // it may be above the window
        if (count == limits::submit_many || frame > limits::frame || jobs >= credit_jobs_ ||
            (!alone && (bytes >= credit_bytes_ || payload.size() > credit_bytes_ - bytes))) {
            break;
        }
        bytes += payload.size();
        ++jobs;
        ++count;
    }
    return count;
}

Result<Conversation::Range> Conversation::submit_many(std::span<const ByteView> payloads,
                                                      const NewJob& job,
                                                      std::optional<std::uint64_t> parent)
{
    if (closing_) {
        return fail(Errc::closed, "the daemon stops and takes no jobs");
    }
    const Bytes args = args_of(job);
    SubmitMany many;
    many.options = options_of(job, args, parent);
    JOBMILL_TRY(check_size(many.options));
    const std::size_t count = room_in_frame(payloads, encoded_size(many.options));
    if (count == 0 || !can_submit(payloads.front().size())) {
        return fail(Errc::in_use, "no credit for another job");
    }
    many.handler_number = number_of(job);
    if (many.handler_number != 0) {
        many.options.pool = {};
        many.options.handler = {};
    }
    add_returns();
    many.first = new_tags(count);
    many.payloads.assign(payloads.begin(), payloads.begin() + static_cast<std::ptrdiff_t>(count));
    encode(many, out_);
    for (std::size_t i = 0; i < count; ++i) {
        (void)remember(Tag{number(many.first) + i}, job, payloads[i].size());
    }
    jobs_[number(many.first)].together = static_cast<std::uint32_t>(count);
    jobs_[number(many.first)].handler = many.handler_number;
    return Range{.first = many.first, .count = count};
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
