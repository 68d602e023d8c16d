// SPDX-License-Identifier: MIT
// The client link: requests and replies.
#include <limits>

#include "common/codec.hpp"
#include "common/limits.hpp"
#include "common/meta_fields.hpp"

namespace jobmill {

namespace meta {

void add_cause(Builder& builder, const Cause& cause)
{
    builder.text("kind", cause.kind, limits::name)
        .text("text", cause.text, limits::cause_text)
        .number("exit_code", cause.exit_code)
        .text("signal", cause.signal, limits::name)
        .flag("core", cause.core_dumped)
        .text("stderr", cause.stderr_tail, limits::stderr_tail)
        .text("last_words", cause.last_words, limits::cause_text)
        .text("was", cause.was, limits::name);
}

Decoded<void> take_cause(std::string_view key, msgpack::Reader& reader, Cause& cause)
{
    if (key == "kind") {
        return take(reader, key, cause.kind);
    }
    if (key == "text") {
        return take(reader, key, cause.text);
    }
    if (key == "exit_code") {
        return take(reader, key, cause.exit_code);
    }
    if (key == "signal") {
        return take(reader, key, cause.signal);
    }
    if (key == "core") {
        return take(reader, key, cause.core_dumped);
    }
    if (key == "stderr") {
        return take(reader, key, cause.stderr_tail);
    }
    if (key == "last_words") {
        return take(reader, key, cause.last_words);
    }
    if (key == "was") {
        return take(reader, key, cause.was);
    }
    return skip(reader, key);
}

}  // namespace meta

namespace {

Decoded<void> check_name(std::string_view field, std::string_view name)
{
    if (name.size() > limits::name) {
        return meta::bad_value(field,
                               "of " + std::to_string(name.size()) + " bytes; the limit is " +
                                   std::to_string(limits::name),
                               limits::name);
    }
    return {};
}

Decoded<void> take_args(msgpack::Reader& reader, ByteView& args)
{
    if (reader.peek() != msgpack::Kind::map) {
        return meta::wrong_type("args", "a map");
    }
    const auto bytes = reader.skip();
    if (!bytes) {
        return meta::wrong_type("args", "a well-formed map of text, numbers and lists");
    }
    if (const auto document = msgpack::decode(*bytes); !document) {
        if (document.error().code == Errc::exhausted) {
            return tl::unexpected<ErrorReply>(ErrorReply{.code = error_code::too_deep,
                                                         .text = "nested too deep",
                                                         .field = "args",
                                                         .limit = limits::depth,
                                                         .offset = {},
                                                         .retry_after_ms = {}});
        }
        return meta::wrong_type("args", "a well-formed map of text, numbers and lists");
    }
    args = *bytes;
    return {};
}

Decoded<void> take_option(std::string_view key, msgpack::Reader& reader, SubmitOptions& options)
{
    if (key == "pool" || key == "handler" || key == "label") {
        std::string_view& to = key == "pool"      ? options.pool
                               : key == "handler" ? options.handler
                                                  : options.label;
        Decoded<void> taken = meta::take(reader, key, to);
        return taken ? check_name(key, to) : taken;
    }
    if (key == "args") {
        return take_args(reader, options.args);
    }
    if (key == "detached") {
        return meta::take(reader, key, options.detached);
    }
    if (key == "started") {
        return meta::take(reader, key, options.want_started);
    }
    if (key == "progress") {
        return meta::take(reader, key, options.want_progress);
    }
    // An option that we do not know may be one that the client relies on: never skip it silently.
    return tl::unexpected<ErrorReply>(ErrorReply{.code = error_code::unknown_option,
                                                 .text = "no such option of submit",
                                                 .field = std::string{key},
                                                 .limit = {},
                                                 .offset = {},
                                                 .retry_after_ms = {}});
}

Decoded<Request> decode_hello(const Frame& frame)
{
    ByteReader fixed{frame.fixed};
    Hello hello;
    hello.min_version = fixed.number<std::uint16_t>();
    hello.max_version = fixed.number<std::uint16_t>();
    auto taken = meta::each(frame.meta, [&](std::string_view key, msgpack::Reader& reader) {
        return key == "client" ? meta::take(reader, key, hello.client) : meta::skip(reader, key);
    });
    return taken.map([&] { return Request{hello}; });
}

Decoded<Request> decode_open(const Frame& frame)
{
    Open open{.number = frame.header.id, .pool = {}, .handler = {}};
    auto taken =
        meta::each(frame.meta, [&](std::string_view key, msgpack::Reader& reader) -> Decoded<void> {
            if (key != "pool" && key != "handler") {
                return meta::skip(reader, key);
            }
            std::string_view& to = key == "pool" ? open.pool : open.handler;
            Decoded<void> name = meta::take(reader, key, to);
            return name ? check_name(key, to) : name;
        });
    if (!taken) {
        return tl::unexpected<ErrorReply>(taken.error());
    }
    // A submit names it in 32 bits.
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    if (open.number == 0 || open.number > most) {
        return meta::bad_value("id", "want a number of 1 to 2^32-1", most);
    }
    return Request{open};
}

Decoded<Request> decode_submit(const Frame& frame)
{
    ByteReader fixed{frame.fixed};
    Submit submit;
    submit.tag = Tag{frame.header.id};
    submit.handler_number = fixed.number<std::uint32_t>();
    fixed.skip(4);
    submit.size = fixed.number<std::uint64_t>();
    submit.more = frame.header.more;
    submit.has_blob = frame.header.descriptors == 1;
    submit.payload = frame.payload;
    auto taken = meta::each(frame.meta, [&](std::string_view key, msgpack::Reader& reader) {
        return take_option(key, reader, submit.options);
    });
    if (!taken) {
        return tl::unexpected<ErrorReply>(taken.error());
    }
    if (frame.header.descriptors > 1) {
        return meta::bad_value("descriptors", "a payload comes in one descriptor", 1);
    }
    const std::uint64_t here = submit.payload.size();
    if (here > limits::inline_payload) {
        return meta::bad_value("payload", "more than a frame may hold inline",
                               limits::inline_payload);
    }
    if (submit.has_blob ? here != 0 || submit.more
                        : (submit.more ? here >= submit.size : here != submit.size)) {
        return meta::bad_value("size", "does not match the payload that came");
    }
    return Request{submit};
}

Decoded<Request> decode_cancel(const Frame& frame)
{
    ByteReader fixed{frame.fixed};
    Cancel cancel;
    cancel.tag = Tag{frame.header.id};
    cancel.job = JobId{fixed.number<std::uint64_t>()};
    const auto what = fixed.number<std::uint32_t>();
    if (what > static_cast<std::uint32_t>(CancelWhat::all)) {
        return meta::bad_value("what", "want 0 (tag), 1 (job) or 2 (all)", 2);
    }
    cancel.what = static_cast<CancelWhat>(what);
    return Request{cancel};
}

Decoded<void> take_jobs(msgpack::Reader& reader, std::vector<JobId>& jobs)
{
    const auto size = reader.array();
    if (!size) {
        return meta::wrong_type("jobs", "a list of numbers");
    }
    if (*size > limits::status_jobs) {
        return meta::bad_value("jobs", "too many", limits::status_jobs);
    }
    for (std::uint32_t i = 0; i < *size; ++i) {
        const auto job = reader.integer();
        if (!job) {
            return meta::wrong_type("jobs", "a list of numbers");
        }
        jobs.push_back(JobId{static_cast<std::uint64_t>(*job)});
    }
    return {};
}

Decoded<Request> decode_status(const Frame& frame)
{
    StatusRequest status{.tag = Tag{frame.header.id}, .jobs = {}};
    auto taken = meta::each(frame.meta, [&](std::string_view key, msgpack::Reader& reader) {
        return key == "jobs" ? take_jobs(reader, status.jobs) : meta::skip(reader, key);
    });
    return taken.map([&] { return Request{status}; });
}

}  // namespace

Decoded<Request> decode_request(const Frame& frame)
{
    const Tag tag{frame.header.id};
    if (frame.header.descriptors > 0 && frame.header.type != MessageType::submit) {
        return meta::bad_value("descriptors", "only submit carries one", 0);
    }
    switch (frame.header.type) {
        case MessageType::hello:
            return decode_hello(frame);
        case MessageType::open:
            return decode_open(frame);
        case MessageType::submit:
            return decode_submit(frame);
        case MessageType::piece:
            if (frame.payload.size() > limits::piece) {
                return meta::bad_value("payload", "more than a piece may hold", limits::piece);
            }
            return Request{Piece{tag, frame.header.more, frame.payload}};
        case MessageType::cancel:
            return decode_cancel(frame);
        case MessageType::wait:
            return Request{Wait{tag, JobId{ByteReader{frame.fixed}.number<std::uint64_t>()}}};
        case MessageType::status:
            return decode_status(frame);
        case MessageType::handlers:
            return Request{HandlersRequest{tag}};
        case MessageType::ping:
            if (frame.payload.size() > limits::ping_payload) {
                return meta::bad_value("payload", "too long for a ping", limits::ping_payload);
            }
            return Request{Ping{tag, frame.payload}};
        default:
            break;
    }
    return tl::unexpected<ErrorReply>(ErrorReply{.code = error_code::unknown_op,
                                                 .text = "not a request",
                                                 .field = "type",
                                                 .limit = {},
                                                 .offset = {},
                                                 .retry_after_ms = {}});
}

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
    result.more = frame.header.more;
    result.payload = frame.payload;
    auto taken = meta::each(frame.meta, [&](std::string_view key, msgpack::Reader& reader) {
        return meta::take_cause(key, reader, result.cause);
    });
    return taken.map([&] { return Reply{std::move(result)}; });
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
        case MessageType::error:
            return decode_error(frame);
        default:
            return decode_small_reply(frame);
    }
}

namespace {

void add_options(meta::Builder& builder, const SubmitOptions& options)
{
    builder.text("pool", options.pool)
        .text("handler", options.handler)
        .text("label", options.label)
        .raw("args", options.args)
        .flag("detached", options.detached)
        .flag("started", options.want_started)
        .flag("progress", options.want_progress);
}

}  // namespace

std::size_t encoded_size(const SubmitOptions& options)
{
    meta::Builder builder;
    add_options(builder, options);
    Bytes bytes;
    builder.append_to(bytes);
    return bytes.size();
}

void encode(const Hello& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::hello, 0};
    frame.field(message.min_version).field(message.max_version);
    meta::Builder{}.text("client", message.client).append_to(frame.begin_meta());
    frame.end_meta().finish();
}

void encode(const Open& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::open, message.number};
    meta::Builder{}
        .text("pool", message.pool)
        .text("handler", message.handler)
        .append_to(frame.begin_meta());
    frame.end_meta().finish();
}

void encode(const Submit& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::submit, number(message.tag)};
    frame.field(message.handler_number).zeros(4).field(message.size);
    meta::Builder builder;
    add_options(builder, message.options);
    builder.append_to(frame.begin_meta());
    frame.end_meta().payload(message.payload).more(message.more);
    frame.descriptors(message.has_blob ? 1 : 0).finish();
}

void encode(const Piece& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::piece, number(message.tag)};
    frame.payload(message.payload).more(message.more).finish();
}

void encode(const Cancel& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::cancel, number(message.tag)};
    frame.field(number(message.job)).field(static_cast<std::uint32_t>(message.what)).zeros(4);
    frame.finish();
}

void encode(const Wait& message, Bytes& to)
{
    FrameWriter{to, MessageType::wait, number(message.tag)}.field(number(message.job)).finish();
}

void encode(const StatusRequest& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::status, number(message.tag)};
    if (!message.jobs.empty()) {
        msgpack::Writer writer{frame.begin_meta()};
        writer.map(1);
        writer.text("jobs");
        writer.array(static_cast<std::uint32_t>(message.jobs.size()));
        for (const JobId job : message.jobs) {
            writer.unsigned_integer(number(job));
        }
        frame.end_meta();
    }
    frame.finish();
}

void encode(const HandlersRequest& message, Bytes& to)
{
    FrameWriter{to, MessageType::handlers, number(message.tag)}.finish();
}

void encode(const Ping& message, Bytes& to)
{
    FrameWriter{to, MessageType::ping, number(message.tag)}.payload(message.payload).finish();
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
    frame.field(static_cast<std::uint8_t>(message.state)).zeros(3);
    meta::Builder builder;
    meta::add_cause(builder, message.cause);
    builder.append_to(frame.begin_meta());
    frame.end_meta().payload(message.payload).more(message.more).finish();
}

void encode(const Cancelled& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::cancelled, number(message.tag)};
    frame.field(message.queued).field(message.running).finish();
}

namespace {

void encode_document(MessageType type, Tag tag, const Value& body, Bytes& to)
{
    Bytes document;
    msgpack::Writer{document}.value(body);
    if (document.size() > limits::frame - FrameHeader::size) {
        ErrorMessage message{.tag = tag, .error = {}};
        message.error.code = error_code::too_large;
        message.error.text = "the answer is longer than a frame may be";
        message.error.limit = limits::frame;
        encode(message, to);
        return;
    }
    FrameWriter{to, type, number(tag)}.payload(document).finish();
}

}  // namespace

void encode(const StatusReply& message, Bytes& to)
{
    encode_document(MessageType::status, message.tag, message.body, to);
}

void encode(const HandlersReply& message, Bytes& to)
{
    encode_document(MessageType::handlers, message.tag, message.body, to);
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
