// SPDX-License-Identifier: MIT
// The client link: requests.
#include <limits>

#include "common/codec.hpp"
#include "common/codec_submit.hpp"
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
        if (key == "blobs") {
            return meta::take(reader, key, hello.takes_blobs);
        }
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

/// The metadata key of what is cancelled by name.
std::string_view key_of(CancelWhat what)
{
    return what == CancelWhat::batch ? "batch" : what == CancelWhat::label ? "label" : "";
}

Decoded<Request> decode_cancel(const Frame& frame)
{
    ByteReader fixed{frame.fixed};
    Cancel cancel;
    cancel.tag = Tag{frame.header.id};
    cancel.job = JobId{fixed.number<std::uint64_t>()};
    const auto what = fixed.number<std::uint32_t>();
    constexpr auto most = static_cast<std::uint32_t>(CancelWhat::session);
    if (what > most) {
        return meta::bad_value("what",
                               "want 0 (tag), 1 (job), 2 (all), 3 (batch), 4 (label) or "
                               "5 (session)",
                               most);
    }
    cancel.what = static_cast<CancelWhat>(what);
    const std::string_view wanted = key_of(cancel.what);
    auto taken = meta::each(frame.meta, [&](std::string_view key, msgpack::Reader& reader) {
        if (key == "unless_running") {
            return meta::take(reader, key, cancel.unless_running);
        }
        if (key == wanted) {
            return meta::take_name(reader, key, cancel.name);
        }
        // What is not understood may be what spares a job.
        return key == "batch" || key == "label"
                   ? meta::skip(reader, key)
                   : meta::unknown_option(key, "no such option of cancel");
    });
    if (taken && !wanted.empty() && cancel.name.empty()) {
        return meta::missing(wanted, "of which name?");
    }
    return taken.map([&] { return Request{cancel}; });
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

Decoded<void> take_adjustment(std::string_view key, msgpack::Reader& reader, AdjustRequest& request)
{
    if (key == "pool" || key == "label") {
        return meta::take_name(reader, key, key == "pool" ? request.pool : request.label);
    }
    if (key == options::max_running.name) {
        return meta::take_number(reader, options::max_running).map([&](options::Number taken) {
            options::set(taken, request.max_running);
        });
    }
    if (key == options::weight.name) {
        return meta::take_number(reader, options::weight).map([&](options::Number taken) {
            options::set(taken, request.weight);
        });
    }
    return meta::unknown_option(key, "no such option of adjust");
}

Decoded<Request> decode_adjust(const Frame& frame)
{
    AdjustRequest request{.tag = Tag{frame.header.id}};
    auto taken = meta::each(frame.meta, [&](std::string_view key, msgpack::Reader& reader) {
        return take_adjustment(key, reader, request);
    });
    if (taken) {
        taken = options::check_together(request);
    }
    return taken.map([&] { return Request{request}; });
}

/// A new one, which has the room of the one that may have been there.
SubmitMany& make_many(Request& to)
{
    std::vector<ByteView> payloads;
    if (auto* const before = std::get_if<SubmitMany>(&to)) {
        payloads = std::move(before->payloads);
        payloads.clear();
    }
    SubmitMany& many = to.emplace<SubmitMany>();
    many.payloads = std::move(payloads);
    return many;
}

/// Any but those of jobs.
Decoded<Request> decode_other(const Frame& frame)
{
    const Tag tag{frame.header.id};
    switch (frame.header.type) {
        case MessageType::hello:
            return decode_hello(frame);
        case MessageType::open:
            return decode_open(frame);
        case MessageType::put:
            return meta::decode_put(frame);
        case MessageType::drop:
            return Request{Drop{tag}};
        case MessageType::return_:
            return Request{Return{tag, JobId{ByteReader{frame.fixed}.number<std::uint64_t>()}}};
        case MessageType::piece:
            if (frame.payload.size() > limits::piece) {
                return meta::bad_value("payload", "more than a piece may hold", limits::piece);
            }
            return Request{Piece{tag, frame.header.more, frame.payload}};
        case MessageType::cancel:
            return decode_cancel(frame);
        case MessageType::wait:
            return Request{Wait{tag, JobId{ByteReader{frame.fixed}.number<std::uint64_t>()}}};
        case MessageType::retry:
            return Request{Retry{tag, JobId{ByteReader{frame.fixed}.number<std::uint64_t>()}}};
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
        case MessageType::adjust:
            return decode_adjust(frame);
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

}  // namespace

Decoded<void> decode_request(const Frame& frame, Request& to)
{
    if (frame.header.type == MessageType::submit) {
        return meta::decode_submit(frame, to.emplace<Submit>());
    }
    if (frame.header.descriptors > 0 && frame.header.type != MessageType::put) {
        return meta::bad_value("descriptors", "only submit and put carry one", 0);
    }
    if (frame.header.type == MessageType::submit_many) {
        return meta::decode_submit_many(frame, make_many(to));
    }
    auto request = decode_other(frame);
    if (!request) {
        return tl::unexpected<ErrorReply>(std::move(request.error()));
    }
    to = std::move(*request);
    return {};
}

Decoded<Request> decode_request(const Frame& frame)
{
    Request request;
    return decode_request(frame, request).map([&] { return std::move(request); });
}

void encode(const Hello& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::hello, 0};
    frame.field(message.min_version).field(message.max_version);
    meta::Builder{}
        .text("client", message.client)
        .flag("blobs", message.takes_blobs)
        .append_to(frame.begin_meta());
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

void encode(const Drop& message, Bytes& to)
{
    FrameWriter{to, MessageType::drop, number(message.tag)}.finish();
}

void encode(const Return& message, Bytes& to)
{
    FrameWriter{to, MessageType::return_, number(message.tag)}.field(number(message.job)).finish();
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
    meta::Builder builder;
    if (const std::string_view key = key_of(message.what); !key.empty()) {
        builder.text(key, message.name);
    }
    builder.flag("unless_running", message.unless_running);
    builder.append_to(frame.begin_meta());
    frame.end_meta().finish();
}

void encode(const Wait& message, Bytes& to)
{
    FrameWriter{to, MessageType::wait, number(message.tag)}.field(number(message.job)).finish();
}

void encode(const Retry& message, Bytes& to)
{
    FrameWriter{to, MessageType::retry, number(message.tag)}.field(number(message.job)).finish();
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

void encode(const AdjustRequest& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::adjust, number(message.tag)};
    meta::Builder builder;
    builder.text("pool", message.pool).text("label", message.label);
    meta::add(builder, options::max_running, message.max_running);
    meta::add(builder, options::weight, message.weight);
    builder.append_to(frame.begin_meta());
    frame.end_meta().finish();
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
