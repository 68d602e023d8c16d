// SPDX-License-Identifier: MIT
// Replies as lines.
#include <algorithm>

#include "common/assert.hpp"
#include "common/json_cause.hpp"
#include "common/json_lines.hpp"
#include "common/json_writer.hpp"
#include "common/limits.hpp"
#include "common/status_lists.hpp"
#include "common/utf8.hpp"

namespace jobmill {
namespace {

/// One reply as the members of one object.
class ReplyWriter {
public:
    /// `as_text`: payloads that are UTF-8 may be spelled as text.
    ReplyWriter(std::string_view id, bool as_text, Bytes& to)
        : id_(id), as_text_(as_text), writer_(to)
    {
    }

    void operator()(const Welcome& welcome)
    {
        begin("welcome");
        writer_.key("version").unsigned_integer(welcome.version);
        writer_.key("max_inline").unsigned_integer(welcome.max_inline);
        writer_.key("max_frame").unsigned_integer(welcome.max_frame);
        writer_.key("piece").unsigned_integer(welcome.piece);
        writer_.key("max_payload").unsigned_integer(welcome.max_payload);
        writer_.key("credit_jobs").unsigned_integer(welcome.credit_jobs);
        writer_.key("credit_bytes").unsigned_integer(welcome.credit_bytes);
        writer_.key("server").text(utf8_cut(welcome.server, limits::name));
        writer_.key("pid").unsigned_integer(welcome.pid);
        writer_.end_object();
    }

    void operator()(const Opened&)
    {
        begin("opened");
        writer_.end_object();
    }

    void operator()(const Accepted& accepted)
    {
        writer_.begin_object().key("op").text("accepted");
        writer_.key("ids").begin_array();
        if (!id_.empty()) {
            writer_.text(id_);
        }
        writer_.end_array();
        job(accepted.job);
        writer_.end_object();
    }

    void operator()(const Started& started)
    {
        begin("started");
        job(started.job);
        writer_.key("worker").unsigned_integer(number(started.worker));
        writer_.key("attempt").unsigned_integer(started.attempt);
        writer_.end_object();
    }

    void operator()(const Retrying& retrying)
    {
        begin("retrying");
        job(retrying.job);
        writer_.key("state").text(name_of(retrying.state));
        writer_.key("attempt").unsigned_integer(retrying.attempt);
        if (number(retrying.worker) != 0) {
            writer_.key("worker").unsigned_integer(number(retrying.worker));
        }
        writer_.key("delay_ms").real(static_cast<double>(retrying.delay_ns) / 1e6, 3);
        json::write_cause(writer_, retrying.cause);
        writer_.end_object();
    }

    void operator()(const Chunk& chunk)
    {
        begin("chunk");
        job(chunk.job);
        if (chunk.stream != Stream::none) {
            writer_.key("stream").text(chunk.stream == Stream::out ? "stdout" : "stderr");
        }
        payload(chunk.payload, chunk.size, chunk.more);
        writer_.end_object();
    }

    void operator()(const Progress& progress)
    {
        begin("progress");
        job(progress.job);
        writer_.key("done").unsigned_integer(progress.done);
        writer_.key("total").unsigned_integer(progress.total);
        if (!progress.note.empty()) {
            writer_.key("note").text(utf8_cut(progress.note, limits::cause_text));
        }
        writer_.end_object();
    }

    void operator()(const Piece& piece)
    {
        begin("piece");
        writer_.key("payload_b64").base64(piece.payload);
        if (piece.more) {
            writer_.key("more").boolean(true);
        }
        writer_.end_object();
    }

    void operator()(const JobResult& result)
    {
        begin("result");
        job(result.job);
        writer_.key("state").text(name_of(result.state));
        if (result.state == JobState::succeeded || result.size > 0 || !result.payload.empty()) {
            payload(result.payload, result.size, result.more);
        }
        if (*result.cause != Cause{}) {
            json::write_cause(writer_, result.cause);
        }
        writer_.key("queue_ms").real(static_cast<double>(result.queue_ns) / 1e6, 3);
        writer_.key("run_ms").real(static_cast<double>(result.run_ns) / 1e6, 3);
        if (number(result.worker) != 0) {
            writer_.key("worker").unsigned_integer(number(result.worker));
        }
        json::write_course(writer_, result);
        writer_.end_object();
    }

    void operator()(const Cancelled& cancelled)
    {
        begin("cancelled");
        writer_.key("queued").unsigned_integer(cancelled.queued);
        writer_.key("running").unsigned_integer(cancelled.running);
        writer_.end_object();
    }

    void operator()(const Stored&)
    {
        begin("stored");
        writer_.end_object();
    }

    void operator()(const StatusReply& status) { document("status", status.body); }
    void operator()(const HandlersReply& handlers) { document("handlers", handlers.body); }
    void operator()(const ReloadReply& reload) { document("reload", reload.body); }
    void operator()(const LogLevelReply& level) { document("log_level", level.body); }
    void operator()(const AdjustReply& adjust) { document("adjust", adjust.body); }

    void operator()(const Pong& pong)
    {
        begin("pong");
        payload(pong.payload, pong.payload.size(), false);
        writer_.end_object();
    }

    void operator()(const Credit& credit)
    {
        begin("credit");
        writer_.key("jobs").unsigned_integer(credit.jobs);
        writer_.key("bytes").unsigned_integer(credit.bytes);
        writer_.end_object();
    }

    void operator()(const Closing& closing)
    {
        begin("closing");
        writer_.key("grace_ms").unsigned_integer(closing.grace_ms);
        writer_.end_object();
    }

    void operator()(const ErrorMessage& message)
    {
        const ErrorReply& error = message.error;
        begin("error");
        writer_.key("code").text(utf8_cut(error.code, limits::name));
        if (!error.field.empty()) {
            writer_.key("field").text(utf8_cut(error.field, limits::name));
        }
        optional_number("limit", error.limit);
        optional_number("offset", error.offset);
        optional_number("retry_after_ms", error.retry_after_ms);
        if (!error.text.empty()) {
            writer_.key("text").text(utf8_cut(error.text, limits::cause_text));
        }
        writer_.end_object();
    }

private:
    void begin(std::string_view op)
    {
        writer_.begin_object().key("op").text(op);
        if (!id_.empty()) {
            writer_.key("id").text(id_);
        }
    }

    void job(JobId job) { writer_.key("job").text(std::to_string(number(job))); }

    void optional_number(std::string_view key, const std::optional<std::uint64_t>& value)
    {
        if (value) {
            writer_.key(key).unsigned_integer(*value);
        }
    }

    /// Pieces may cut a character in two, so what comes in pieces is never text.
    void payload(ByteView bytes, std::uint64_t size, bool more)
    {
        const bool pieces = more || size != bytes.size();
        if (as_text_ && !pieces && valid_utf8(text_of(bytes))) {
            writer_.key("payload").text(text_of(bytes));
        } else {
            writer_.key("payload_b64").base64(bytes);
        }
        if (pieces) {
            writer_.key("size").unsigned_integer(size);
            writer_.key("more").boolean(true);
        }
    }

    void document(std::string_view op, const Value& body)
    {
        begin(op);
        if (const Map* members = body.map()) {
            for (const auto& [key, member] : *members) {
                writer_.key(key);
                const bool has_numbers = key == "jobs" || key == "poison";
                const Array* items = has_numbers ? member.array() : nullptr;
                if (items == nullptr) {
                    writer_.value(member);
                } else {
                    jobs(*items);
                }
            }
        }
        writer_.end_object();
    }

    /// As any list of maps, but job numbers are strings.
    void jobs(const Array& items)
    {
        writer_.begin_array();
        for (const Value& item : items) {
            const Map* members = item.map();
            if (members == nullptr) {
                writer_.value(item);
                continue;
            }
            writer_.begin_object();
            for (const auto& [key, member] : *members) {
                writer_.key(key);
                const std::int64_t* digits = key == "job" ? member.integer() : nullptr;
                if (digits == nullptr) {
                    writer_.value(member);
                } else {
                    writer_.text(std::to_string(*digits));
                }
            }
            writer_.end_object();
        }
        writer_.end_array();
    }

    std::string_view id_;
    bool as_text_;
    JsonWriter writer_;
};

void add_line(const Reply& reply, std::string_view id, bool as_text, Bytes& to)
{
    std::visit(ReplyWriter{id, as_text, to}, reply);
    append(to, "\n");
}

/// Appends the line if it stays within the limit.
bool try_line(const Reply& reply, std::string_view id, bool as_text, Bytes& to)
{
    const std::size_t start = to.size();
    add_line(reply, id, as_text, to);
    if (to.size() - start > limits::frame) {
        to.resize(start);
        return false;
    }
    return true;
}

}  // namespace

void encode_line(const Reply& reply, std::string_view id, Bytes& to)
{
    if (try_line(reply, id, true, to) || try_line(reply, id, false, to)) {
        return;
    }
    // Payloads and texts are bounded; only attempts full of what has to be escaped, and documents,
    // can be longer than a line.
    if (const auto* result = std::get_if<JobResult>(&reply)) {
        JobResult shorter = *result;
        shorter.attempts.clear();
        JOBMILL_ASSERT(try_line(Reply{std::move(shorter)}, id, false, to));
        return;
    }
    if (const auto* status = std::get_if<StatusReply>(&reply)) {
        StatusReply shorter = *status;
        while (shorten_status(shorter.body)) {
            if (try_line(Reply{shorter}, id, true, to)) {
                return;
            }
        }
    }
    ErrorMessage error;
    error.error.code = error_code::too_large;
    error.error.text = "the answer is longer than a line may be";
    error.error.limit = limits::frame;
    JOBMILL_ASSERT(try_line(Reply{std::move(error)}, id, true, to));
}

void encode_whole_line(const Reply& reply, std::string_view id, Bytes& to)
{
    add_line(reply, id, true, to);
}

void encode_accepted_line(std::span<const std::string> ids, JobId first, Bytes& to)
{
    // The longest tag, escaped, with its quotes and comma; then the rest of the line.
    constexpr std::size_t longest_id = 6 * limits::name + 3;
    constexpr std::size_t frame_of_ids = 128;
    std::uint64_t job = number(first);
    while (!ids.empty()) {
        const std::size_t start = to.size();
        JsonWriter writer{to};
        writer.begin_object().key("op").text("accepted").key("ids").begin_array();
        std::size_t count = 0;
        while (count < ids.size() &&
               to.size() - start + longest_id + frame_of_ids <= limits::frame) {
            writer.text(ids[count]);
            ++count;
        }
        writer.end_array().key("job").text(std::to_string(job)).end_object();
        append(to, "\n");
        job += count;
        ids = ids.subspan(count);
    }
}

}  // namespace jobmill
