// SPDX-License-Identifier: MIT
// The client link: replies.
#include "common/codec.hpp"
#include "common/limits.hpp"
#include "common/meta_fields.hpp"
#include "common/status_lists.hpp"
#include "common/usage_fields.hpp"

namespace jobmill {

namespace {

Decoded<Reply> decode_welcome(const Frame& frame)
{
    ByteReader fixed{frame.fixed};
    Welcome welcome;
    welcome.version = fixed.number<std::uint16_t>();
    fixed.skip(2);
    welcome.max_inline = fixed.number<std::uint32_t>();
    welcome.max_frame = fixed.number<std::uint32_t>();
    welcome.piece = fixed.number<std::uint32_t>();
    welcome.max_payload = fixed.number<std::uint64_t>();
    welcome.credit_jobs = fixed.number<std::uint32_t>();
    welcome.pid = fixed.number<std::uint32_t>();
    welcome.credit_bytes = fixed.number<std::uint64_t>();
    auto taken = meta::each(frame.meta, [&](std::string_view key, msgpack::Reader& reader) {
        return key == "server" ? meta::take(reader, key, welcome.server) : meta::skip(reader, key);
    });
    return taken.map([&] { return Reply{welcome}; });
}

Decoded<Reply> decode_result(const Frame& frame)
{
    ByteReader fixed{frame.fixed};
    JobResult result;
    result.tag = Tag{frame.header.id};
    result.job = JobId{fixed.number<std::uint64_t>()};
    result.size = fixed.number<std::uint64_t>();
    result.queue_ns = fixed.number<std::uint64_t>();
    result.run_ns = fixed.number<std::uint64_t>();
    result.worker = SlotId{fixed.number<std::uint32_t>()};
    const auto state = job_state_of(fixed.number<std::uint8_t>());
    if (!state || !is_terminal(*state)) {
        return meta::bad_value("state", "not a terminal state");
    }
    result.state = *state;
    const auto flags = fixed.number<std::uint8_t>();
    result.attempt = fixed.number<std::uint16_t>();
    if (!take_usage(flags, fixed, result.usage)) {
        return meta::bad_value("flags", "want 0 to 3", 3);
    }
    result.more = frame.header.more;
    result.has_blob = frame.header.descriptors == 1;
    result.payload = frame.payload;
    if (frame.header.descriptors > 1 ||
        (result.has_blob && (result.more || !result.payload.empty()))) {
        return meta::bad_value("descriptors", "a payload comes in one descriptor alone", 1);
    }
    auto taken = meta::each(frame.meta, [&](std::string_view key, msgpack::Reader& reader) {
        return key == "attempts" ? meta::take_attempts(reader, result.attempts)
                                 : meta::take_cause(key, reader, result.cause.edit());
    });
    return taken.map([&] { return Reply{std::move(result)}; });
}

Decoded<Reply> decode_retrying(const Frame& frame)
{
    ByteReader fixed{frame.fixed};
    Retrying retrying;
    retrying.tag = Tag{frame.header.id};
    retrying.job = JobId{fixed.number<std::uint64_t>()};
    retrying.attempt = fixed.number<std::uint32_t>();
    retrying.worker = SlotId{fixed.number<std::uint32_t>()};
    retrying.delay_ns = fixed.number<std::uint64_t>();
    auto taken = meta::each(frame.meta, [&](std::string_view key, msgpack::Reader& reader) {
        return key == "state" ? meta::take(reader, key, retrying.state)
                              : meta::take_cause(key, reader, retrying.cause.edit());
    });
    return taken.map([&] { return Reply{std::move(retrying)}; });
}

Decoded<Reply> decode_chunk(const Frame& frame)
{
    ByteReader fixed{frame.fixed};
    Chunk chunk;
    chunk.tag = Tag{frame.header.id};
    chunk.job = JobId{fixed.number<std::uint64_t>()};
    chunk.size = fixed.number<std::uint64_t>();
    const auto stream = fixed.number<std::uint8_t>();
    if (stream > static_cast<std::uint8_t>(Stream::err)) {
        return meta::bad_value("stream", "want 0, 1 or 2", 2);
    }
    chunk.stream = static_cast<Stream>(stream);
    chunk.more = frame.header.more;
    chunk.payload = frame.payload;
    return Reply{chunk};
}

Decoded<Reply> decode_error(const Frame& frame)
{
    ErrorMessage message{.tag = Tag{frame.header.id}, .error = {}};
    ErrorReply& error = message.error;
    auto taken =
        meta::each(frame.meta, [&](std::string_view key, msgpack::Reader& reader) -> Decoded<void> {
            if (key == "code") {
                return meta::take(reader, key, error.code);
            }
            if (key == "text") {
                return meta::take(reader, key, error.text);
            }
            if (key == "field") {
                return meta::take(reader, key, error.field);
            }
            if (key == "limit") {
                return meta::take(reader, key, error.limit);
            }
            if (key == "offset") {
                return meta::take(reader, key, error.offset);
            }
            if (key == "retry_after_ms") {
                return meta::take(reader, key, error.retry_after_ms);
            }
            return meta::skip(reader, key);
        });
    return taken.map([&] { return Reply{std::move(message)}; });
}

template <typename Message>
Decoded<Reply> decode_document(const Frame& frame)
{
    Result<Value> body = msgpack::decode(frame.payload);
    if (!body) {
        return meta::bad_value("payload", body.error().what);
    }
    return Reply{Message{Tag{frame.header.id}, std::move(*body)}};
}

Decoded<Reply> decode_small_reply(const Frame& frame)
{
    const Tag tag{frame.header.id};
    ByteReader fixed{frame.fixed};
    switch (frame.header.type) {
        case MessageType::opened:
            return Reply{Opened{frame.header.id}};
        case MessageType::stored:
            return Reply{Stored{tag}};
        case MessageType::accepted: {
            const JobId job{fixed.number<std::uint64_t>()};
            return Reply{Accepted{tag, job, fixed.number<std::uint32_t>()}};
        }
        case MessageType::started: {
            const JobId job{fixed.number<std::uint64_t>()};
            const SlotId worker{fixed.number<std::uint32_t>()};
            return Reply{Started{tag, job, worker, fixed.number<std::uint32_t>()}};
        }
        case MessageType::progress: {
            const JobId job{fixed.number<std::uint64_t>()};
            const auto done = fixed.number<std::uint64_t>();
            const auto total = fixed.number<std::uint64_t>();
            if (!valid_utf8(text_of(frame.payload))) {
                return meta::bad_value("payload", "a note that is not UTF-8");
            }
            return Reply{Progress{tag, job, done, total, text_of(frame.payload)}};
        }
        case MessageType::piece:
            return Reply{Piece{tag, frame.header.more, frame.payload}};
        case MessageType::cancelled: {
            const auto queued = fixed.number<std::uint32_t>();
            return Reply{Cancelled{tag, queued, fixed.number<std::uint32_t>()}};
        }
        case MessageType::pong:
            return Reply{Pong{tag, frame.payload}};
        case MessageType::credit: {
            const auto jobs = fixed.number<std::uint32_t>();
            fixed.skip(4);
            return Reply{Credit{jobs, fixed.number<std::uint64_t>()}};
        }
        case MessageType::closing:
            return Reply{Closing{fixed.number<std::uint64_t>()}};
        default:
            break;
    }
    return meta::bad_value("type", "not a reply");
}

}  // namespace

Decoded<Reply> decode_reply(const Frame& frame)
{
    switch (frame.header.type) {
        case MessageType::welcome:
            return decode_welcome(frame);
        case MessageType::chunk:
            return decode_chunk(frame);
        case MessageType::result:
            return decode_result(frame);
        case MessageType::status:
            return decode_document<StatusReply>(frame);
        case MessageType::handlers:
            return decode_document<HandlersReply>(frame);
        case MessageType::reload:
            return decode_document<ReloadReply>(frame);
        case MessageType::log_level:
            return decode_document<LogLevelReply>(frame);
        case MessageType::adjust:
            return decode_document<AdjustReply>(frame);
        case MessageType::retrying:
            return decode_retrying(frame);
        case MessageType::error:
            return decode_error(frame);
        default:
            return decode_small_reply(frame);
    }
}

void encode(const Welcome& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::welcome, 0};
    frame.field(message.version).zeros(2).field(message.max_inline).field(message.max_frame);
    frame.field(message.piece).field(message.max_payload).field(message.credit_jobs);
    frame.field(message.pid).field(message.credit_bytes);
    meta::Builder{}.text("server", message.server).append_to(frame.begin_meta());
    frame.end_meta().finish();
}

void encode(const Opened& message, Bytes& to)
{
    FrameWriter{to, MessageType::opened, message.number}.finish();
}

void encode(const Accepted& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::accepted, number(message.first)};
    frame.field(number(message.job)).field(message.count).zeros(4).finish();
}

void encode(const Started& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::started, number(message.tag)};
    frame.field(number(message.job)).field(number(message.worker)).field(message.attempt).finish();
}

void encode(const Retrying& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::retrying, number(message.tag)};
    frame.field(number(message.job)).field(message.attempt).field(number(message.worker));
    frame.field(message.delay_ns);
    meta::Builder builder;
    builder.text("state", name_of(message.state));
    meta::add_cause(builder, message.cause);
    builder.append_to(frame.begin_meta());
    frame.end_meta().finish();
}

void encode(const Chunk& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::chunk, number(message.tag)};
    frame.field(number(message.job)).field(message.size);
    frame.field(static_cast<std::uint8_t>(message.stream)).zeros(7);
    frame.payload(message.payload).more(message.more).finish();
}

void encode(const Progress& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::progress, number(message.tag)};
    frame.field(number(message.job)).field(message.done).field(message.total);
    frame.payload(bytes_of(message.note)).finish();
}

void encode(const JobResult& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::result, number(message.tag)};
    frame.field(number(message.job)).field(message.size).field(message.queue_ns);
    frame.field(message.run_ns).field(number(message.worker));
    frame.field(static_cast<std::uint8_t>(message.state)).field(usage_flags(message.usage));
    frame.field(static_cast<std::uint16_t>(message.attempt));
    append_usage(frame, message.usage);
    meta::Builder builder;
    if (message.cause.present()) {
        meta::add_cause(builder, message.cause);
    }
    meta::add_attempts(builder, message.attempts);
    builder.append_to(frame.begin_meta());
    frame.end_meta().payload(message.payload).more(message.more);
    frame.descriptors(message.has_blob ? 1 : 0).finish();
}

void encode(const Stored& message, Bytes& to)
{
    FrameWriter{to, MessageType::stored, number(message.tag)}.finish();
}

void encode(const Cancelled& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::cancelled, number(message.tag)};
    frame.field(message.queued).field(message.running).finish();
}

namespace {

/// False when it fits no frame.
bool try_document(MessageType type, Tag tag, const Value& body, Bytes& to)
{
    Bytes document;
    msgpack::Writer{document}.value(body);
    if (document.size() > limits::frame - FrameHeader::size) {
        return false;
    }
    FrameWriter{to, type, number(tag)}.payload(document).finish();
    return true;
}

void refuse_document(Tag tag, Bytes& to)
{
    ErrorMessage message{.tag = tag, .error = {}};
    message.error.code = error_code::too_large;
    message.error.text = "the answer is longer than a frame may be";
    message.error.limit = limits::frame;
    encode(message, to);
}

void encode_document(MessageType type, Tag tag, const Value& body, Bytes& to)
{
    if (!try_document(type, tag, body, to)) {
        refuse_document(tag, to);
    }
}

}  // namespace

void encode(const StatusReply& message, Bytes& to)
{
    if (try_document(MessageType::status, message.tag, message.body, to)) {
        return;
    }
    Value shorter = message.body;
    while (shorten_status(shorter)) {
        if (try_document(MessageType::status, message.tag, shorter, to)) {
            return;
        }
    }
    refuse_document(message.tag, to);
}

void encode(const HandlersReply& message, Bytes& to)
{
    encode_document(MessageType::handlers, message.tag, message.body, to);
}

void encode(const ReloadReply& message, Bytes& to)
{
    encode_document(MessageType::reload, message.tag, message.body, to);
}

void encode(const LogLevelReply& message, Bytes& to)
{
    encode_document(MessageType::log_level, message.tag, message.body, to);
}

void encode(const AdjustReply& message, Bytes& to)
{
    encode_document(MessageType::adjust, message.tag, message.body, to);
}

void encode(const Pong& message, Bytes& to)
{
    FrameWriter{to, MessageType::pong, number(message.tag)}.payload(message.payload).finish();
}

void encode(const Credit& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::credit, 0};
    frame.field(message.jobs).zeros(4).field(message.bytes).finish();
}

void encode(const Closing& message, Bytes& to)
{
    FrameWriter{to, MessageType::closing, 0}.field(message.grace_ms).finish();
}

void encode(const ErrorMessage& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::error, number(message.tag)};
    meta::Builder{}
        .text("code", message.error.code, limits::name)
        .text("text", message.error.text, limits::cause_text)
        .text("field", message.error.field, limits::name)
        .number("limit", message.error.limit)
        .number("offset", message.error.offset)
        .number("retry_after_ms", message.error.retry_after_ms)
        .append_to(frame.begin_meta());
    frame.end_meta().finish();
}

}  // namespace jobmill
