// SPDX-License-Identifier: MIT
#include "common/codec_submit.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace jobmill {
namespace meta {
namespace {

template <typename Table>
const typename Table::value_type* find(const Table& table, std::string_view key)
{
    for (const auto& row : table) {
        if (row.name == key) {
            return &row;
        }
    }
    return nullptr;
}

Decoded<void> take_args(msgpack::Reader& reader, ByteView& args)
{
    if (reader.peek() != msgpack::Kind::map) {
        return wrong_type("args", "a map");
    }
    const auto bytes = reader.skip();
    if (!bytes) {
        return wrong_type("args", "a well-formed map of text, numbers and lists");
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
        return wrong_type("args", "a well-formed map of text, numbers and lists");
    }
    args = *bytes;
    return {};
}

Decoded<void> take_inputs(msgpack::Reader& reader, std::vector<std::uint64_t>& inputs)
{
    const auto size = reader.array();
    if (!size) {
        return wrong_type("inputs", "a list of numbers");
    }
    if (*size > limits::inputs) {
        return bad_value("inputs",
                         std::to_string(*size) + " of them; a job has " +
                             std::to_string(limits::inputs) + " at most",
                         limits::inputs);
    }
    inputs.clear();
    for (std::uint32_t i = 0; i < *size; ++i) {
        std::optional<std::uint64_t> tag;
        if (auto taken = take(reader, "inputs", tag); !taken) {
            return taken;
        }
        inputs.push_back(*tag);
    }
    return {};
}

Decoded<void> take_job_option(std::string_view key, msgpack::Reader& reader,
                              Rarely<JobOptions>& options)
{
    if (const auto* option = options::find_number(key)) {
        const auto value = take_number(reader, option->range);
        if (!value) {
            return tl::unexpected<ErrorReply>(value.error());
        }
        options::set(*option, *value, options.edit());
        return {};
    }
    if (const auto* option = options::find_text(key)) {
        std::string_view value;
        const Decoded<void> taken = take(reader, key, value);
        return taken ? options::set(*option, value, options.edit()) : taken;
    }
    return unknown_option(key, "no such option of submit");
}

Decoded<void> take_option(std::string_view key, msgpack::Reader& reader, SubmitOptions& options)
{
    if (const auto* name = find(options::names, key)) {
        return take_name(reader, key, options.*name->member);
    }
    if (const auto* flag = find(options::flags, key)) {
        return take(reader, key, options.*flag->member);
    }
    if (key == "blob") {
        return take(reader, key, options.blob);
    }
    if (key == "inputs") {
        return take_inputs(reader, options.inputs.edit());
    }
    return key == "args" ? take_args(reader, options.args)
                         : take_job_option(key, reader, options.job);
}

Decoded<void> check_together(const Decoded<void>& taken, const SubmitOptions& options)
{
    return taken && options.job.present() ? options::check_together(options.job) : taken;
}

void add_job_options(Builder& builder, const Rarely<JobOptions>& options)
{
    if (!options.present()) {
        return;
    }
    for (const auto& option : options::numbers) {
        std::visit([&](auto member) { add(builder, option.range, (*options).*member); },
                   option.member);
    }
    for (const auto& option : options::texts) {
        builder.text(option.name, (*options).*option.member);
    }
}

/// The payloads one after another, each with its size before it.
Decoded<void> take_payloads(ByteView bytes, std::uint32_t count, std::vector<ByteView>& payloads)
{
    ByteReader reader{bytes};
    payloads.reserve(std::min<std::size_t>(count, bytes.size() / sizeof(std::uint32_t)));
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto size = reader.number<std::uint32_t>();
        if (size > limits::inline_payload) {
            return bad_value("payload",
                             "the " + std::to_string(i + 1) + ". is of " + std::to_string(size) +
                                 " bytes; the limit is " + std::to_string(limits::inline_payload),
                             limits::inline_payload);
        }
        payloads.push_back(reader.take(size));
        if (!reader.ok()) {
            return bad_value("payload", "ends within the " + std::to_string(i + 1) + ". of " +
                                            std::to_string(count) + " payloads");
        }
    }
    return reader.rest().empty() ? Decoded<void>{}
                                 : bad_value("payload", "goes on after the last of the payloads");
}

}  // namespace

Decoded<void> take_name(msgpack::Reader& reader, std::string_view key, std::string_view& to)
{
    Decoded<void> taken = take(reader, key, to);
    if (taken && to.size() > limits::name) {
        return bad_value(key,
                         "of " + std::to_string(to.size()) + " bytes; the limit is " +
                             std::to_string(limits::name),
                         limits::name);
    }
    return taken;
}

Decoded<options::Number> take_number(msgpack::Reader& reader, const options::Range& range)
{
    if (const auto value = reader.integer()) {
        return options::judge(range, *value);
    }
    if (reader.peek() == msgpack::Kind::integer) {
        return options::beyond(range);
    }
    if (const auto word = reader.text()) {
        return options::judge(range, *word);
    }
    return options::wrong_type(range);
}

Decoded<void> take_options(ByteView meta, SubmitOptions& options)
{
    return check_together(
        each(meta, [&](std::string_view key,
                       msgpack::Reader& reader) { return take_option(key, reader, options); }),
        options);
}

void add_options(Builder& builder, const SubmitOptions& options)
{
    builder.text("pool", options.pool)
        .text("handler", options.handler)
        .text("label", options.label)
        .raw("args", options.args)
        .flag("detached", options.detached)
        .flag("started", options.want_started)
        .flag("retrying", options.want_retrying)
        .flag("progress", options.want_progress)
        .number("blob", options.blob)
        .numbers("inputs", *options.inputs);
    add_job_options(builder, options.job);
}

namespace {

/// What comes with a submit or a put: the whole payload, its beginning, or none beside a
/// descriptor.
template <typename Message>
Decoded<void> take_payload(const Frame& frame, Message& message)
{
    message.more = frame.header.more;
    message.has_blob = frame.header.descriptors == 1;
    message.payload = frame.payload;
    if (frame.header.descriptors > 1) {
        return bad_value("descriptors", "a payload comes in one descriptor", 1);
    }
    const std::uint64_t here = message.payload.size();
    if (here > limits::inline_payload) {
        return bad_value("payload", "more than a frame may hold inline", limits::inline_payload);
    }
    if (message.has_blob ? here != 0 || message.more
                         : (message.more ? here >= message.size : here != message.size)) {
        return bad_value("size", "does not match the payload that came");
    }
    return {};
}

}  // namespace

Decoded<Request> decode_put(const Frame& frame)
{
    Put put;
    put.tag = Tag{frame.header.id};
    put.size = ByteReader{frame.fixed}.number<std::uint64_t>();
    return take_payload(frame, put).map([&] { return Request{put}; });
}

/// Each job pays for this: it is read into where the caller has it.
Decoded<void> decode_submit(const Frame& frame, Submit& submit)
{
    ByteReader fixed{frame.fixed};
    submit.tag = Tag{frame.header.id};
    submit.handler_number = fixed.number<std::uint32_t>();
    fixed.skip(4);
    submit.size = fixed.number<std::uint64_t>();
    if (auto taken = take_options(frame.meta, submit.options); !taken) {
        return tl::unexpected<ErrorReply>(taken.error());
    }
    if (auto taken = take_payload(frame, submit); !taken) {
        return tl::unexpected<ErrorReply>(taken.error());
    }
    if (submit.options.blob && (submit.size > 0 || submit.has_blob)) {
        return bad_value("blob", "a job has one payload");
    }
    return {};
}

Decoded<void> decode_submit_many(const Frame& frame, SubmitMany& many)
{
    ByteReader fixed{frame.fixed};
    many.first = Tag{frame.header.id};
    many.handler_number = fixed.number<std::uint32_t>();
    const auto count = fixed.number<std::uint32_t>();
    const auto taken = each(frame.meta, [&](std::string_view key, msgpack::Reader& reader) {
        return key == "each" ? take(reader, key, many.each)
                             : take_option(key, reader, many.options);
    });
    if (auto checked = check_together(taken, many.options); !checked) {
        return checked;
    }
    if (many.options.blob) {
        return unknown_option("blob", "no option of submit_many");
    }
    if (frame.header.more) {
        return bad_value("more", "the payloads of many jobs come whole, in one frame");
    }
    const std::uint32_t most = many.each ? limits::submit_each : limits::submit_many;
    if (count == 0 || count > most) {
        return bad_value("count", "want 1 to " + std::to_string(most) + " payloads", most);
    }
    if (frame.header.id > std::numeric_limits<std::uint64_t>::max() - (count - 1)) {
        return bad_value("id", "the last job's would be above 2^64-1");
    }
    return take_payloads(frame.payload, count, many.payloads);
}

}  // namespace meta

std::size_t encoded_size(const SubmitOptions& options)
{
    meta::Builder builder;
    meta::add_options(builder, options);
    Bytes bytes;
    builder.append_to(bytes);
    return bytes.size();
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

void encode(const Put& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::put, number(message.tag)};
    frame.field(message.size).payload(message.payload).more(message.more);
    frame.descriptors(message.has_blob ? 1 : 0).finish();
}

namespace {

/// Of the count among a submit_many's fixed fields.
constexpr std::size_t count_offset = 4;

/// As it is among the payloads of a submit_many.
void append_sized(ByteView payload, Bytes& to)
{
    const auto size = static_cast<std::uint32_t>(payload.size());
    append(to, std::as_bytes(std::span{&size, 1}));
    append(to, payload);
}

}  // namespace

void encode(const SubmitMany& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::submit_many, number(message.first)};
    frame.field(message.handler_number).field(static_cast<std::uint32_t>(message.payloads.size()));
    meta::Builder builder;
    meta::add_options(builder, message.options);
    builder.flag("each", message.each).append_to(frame.begin_meta());
    frame.end_meta();
    for (const ByteView payload : message.payloads) {
        append_sized(payload, to);
    }
    frame.finish();
}

void add_to_submit_many(std::size_t frame, ByteView payload, Bytes& to)
{
    std::uint32_t count = 0;
    std::byte* const at = to.data() + frame + FrameHeader::size + count_offset;
    std::memcpy(&count, at, sizeof count);
    ++count;
    std::memcpy(at, &count, sizeof count);
    append_sized(payload, to);
    finish_frame(frame, to);
}

}  // namespace jobmill
