// SPDX-License-Identifier: MIT
// The client link: requests.
#include <limits>

#include "common/codec.hpp"
#include "common/codec_options.hpp"
#include "common/limits.hpp"

namespace jobmill {
namespace {

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
            return meta::take_name(reader, key, key == "pool" ? open.pool : open.handler);
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
    if (auto taken = meta::take_options(frame.meta, submit.options); !taken) {
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
        if (*job < 0) {
            return meta::bad_value("jobs", "a job number below 0");
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

Decoded<Request> decode_log_level(const Frame& frame)
{
    LogLevelRequest request{.tag = Tag{frame.header.id}, .level = {}};
    auto taken = meta::each(frame.meta, [&](std::string_view key, msgpack::Reader& reader) {
        return key == "level" ? meta::take(reader, key, request.level) : meta::skip(reader, key);
    });
    return taken.map([&] { return Request{request}; });
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
        case MessageType::reload:
            return Request{ReloadRequest{tag}};
        case MessageType::log_level:
            return decode_log_level(frame);
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
    meta::add_options(builder, message.options);
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

void encode(const ReloadRequest& message, Bytes& to)
{
    FrameWriter{to, MessageType::reload, number(message.tag)}.finish();
}

void encode(const LogLevelRequest& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::log_level, number(message.tag)};
    if (!message.level.empty()) {
        msgpack::Writer writer{frame.begin_meta()};
        writer.map(1);
        writer.text("level");
        writer.text(message.level);
        frame.end_meta();
    }
    frame.finish();
}

}  // namespace jobmill
