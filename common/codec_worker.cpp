// SPDX-License-Identifier: MIT
// The links inside: the daemon with its templates and its workers.
#include "common/codec.hpp"
#include "common/limits.hpp"
#include "common/meta_fields.hpp"
#include "common/usage_fields.hpp"

namespace jobmill {
namespace {

// Flags of a job and of a result.
constexpr std::uint32_t want_started_bit = 1;
constexpr std::uint32_t has_limits_bit = 2;
constexpr unsigned inputs_shift = 8;  ///< their number, in eight bits
constexpr std::size_t limits_size = 52;

WorkerId take_worker(ByteReader& fixed)
{
    const SlotId slot{fixed.number<std::uint32_t>()};
    return WorkerId{slot, fixed.number<std::uint32_t>()};
}

tl::unexpected<Error> refuse(const ErrorReply& error)
{
    return fail(Errc::invalid, error.field + ": " + error.text);
}

/// What comes in one frame: either inline and of the declared size, or in one descriptor.
Result<bool> has_blob(ByteView payload, std::size_t descriptors, std::uint64_t size)
{
    const bool blob = descriptors == 1;
    if (descriptors > 1 || (blob && !payload.empty()) || (!blob && payload.size() != size)) {
        return fail(Errc::invalid, "size: does not match the payload that came");
    }
    return blob;
}

Result<bool> has_blob(const Frame& frame, std::uint64_t size)
{
    return has_blob(frame.payload, frame.header.descriptors, size);
}

/// The sizes of an offer's inputs come before its payload.
Result<ByteView> take_inputs(const Frame& frame, std::size_t count,
                             std::vector<std::uint64_t>& sizes)
{
    if (count > limits::inputs || count > frame.header.descriptors ||
        count * sizeof(std::uint64_t) > frame.payload.size()) {
        return fail(Errc::invalid, "inputs: more than came");
    }
    ByteReader reader{frame.payload};
    for (std::size_t i = 0; i < count; ++i) {
        sizes.push_back(reader.number<std::uint64_t>());
    }
    return reader.rest();
}

Result<TemplateReport> decode_refused(const Frame& frame)
{
    Refused refused;
    auto taken =
        meta::each(frame.meta, [&](std::string_view key, msgpack::Reader& reader) -> Decoded<void> {
            if (key == "module") {
                return meta::take(reader, key, refused.module);
            }
            return key == "text" ? meta::take(reader, key, refused.text) : meta::skip(reader, key);
        });
    if (!taken) {
        return refuse(taken.error());
    }
    return TemplateReport{refused};
}

Result<JobLimits> take_limits(ByteReader& fixed)
{
    JobLimits limits;
    for (std::uint64_t* limit : {&limits.memory, &limits.cpu_ms, &limits.file_size,
                                 &limits.open_files, &limits.processes}) {
        *limit = fixed.number<std::uint64_t>();
        if (*limit == 0) {
            return fail(Errc::invalid, "limits: 0 is none");
        }
    }
    limits.cpus = fixed.number<std::uint64_t>();
    limits.nice = fixed.number<std::int32_t>();
    if (limits.nice < 0 || limits.nice > 19) {
        return fail(Errc::invalid, "nice: want 0 to 19");
    }
    return limits;
}

Result<void> take_outcome(const Frame& frame, JobOutcome& outcome)
{
    ByteReader fixed{frame.fixed};
    outcome.sequence = Sequence{frame.header.id};
    outcome.size = fixed.number<std::uint64_t>();
    outcome.run_ns = fixed.number<std::uint64_t>();
    const auto succeeded = fixed.number<std::uint8_t>();
    if (succeeded > 1) {
        return fail(Errc::invalid, "succeeded: want 0 or 1");
    }
    outcome.succeeded = succeeded == 1;
    const auto flags = fixed.number<std::uint8_t>();
    fixed.skip(6);
    if (!take_usage(flags, fixed, outcome.usage)) {
        return fail(Errc::invalid, "flags: want 0 to 3");
    }
    outcome.payload = frame.payload;
    JOBMILL_TRY_ASSIGN(outcome.has_blob, has_blob(frame, outcome.size));
    auto taken = meta::each(frame.meta, [&](std::string_view key, msgpack::Reader& reader) {
        return meta::take_cause(key, reader, outcome.cause.edit());
    });
    if (!taken) {
        return refuse(taken.error());
    }
    return {};
}

/// Each job pays for this: it is read into where the caller has it.
Result<WorkerReport> decode_outcome(const Frame& frame)
{
    Result<WorkerReport> report{tl::in_place, std::in_place_type<JobOutcome>};
    if (auto taken = take_outcome(frame, std::get<JobOutcome>(*report)); !taken) {
        report = tl::unexpected<Error>(std::move(taken.error()));
    }
    return report;
}

Result<WorkerReport> decode_job_chunk(const Frame& frame)
{
    ByteReader fixed{frame.fixed};
    JobChunk chunk;
    chunk.sequence = Sequence{frame.header.id};
    chunk.size = fixed.number<std::uint64_t>();
    const auto stream = fixed.number<std::uint8_t>();
    if (stream > static_cast<std::uint8_t>(Stream::err)) {
        return fail(Errc::invalid, "stream: want 0, 1 or 2");
    }
    chunk.stream = static_cast<Stream>(stream);
    chunk.payload = frame.payload;
    JOBMILL_TRY_ASSIGN(chunk.has_blob, has_blob(frame, chunk.size));
    return WorkerReport{chunk};
}

}  // namespace

Result<TemplateReport> decode_template_report(const Frame& frame)
{
    if (frame.header.type == MessageType::loaded) {
        JOBMILL_TRY_ASSIGN(Value body, msgpack::decode(frame.payload));
        return TemplateReport{Loaded{std::move(body)}};
    }
    if (frame.header.type == MessageType::refused) {
        return decode_refused(frame);
    }
    if (frame.header.type == MessageType::forked) {
        ByteReader fixed{frame.fixed};
        Forked forked;
        forked.worker = take_worker(fixed);
        forked.pid = fixed.number<std::int32_t>();
        forked.error_number = fixed.number<std::int32_t>();
        return TemplateReport{forked};
    }
    if (frame.header.type == MessageType::alive) {
        return TemplateReport{Alive{}};
    }
    return fail(Errc::invalid, "not a template's message");
}

Result<TemplateOrder> decode_template_order(const Frame& frame)
{
    if (frame.header.type == MessageType::probe) {
        return TemplateOrder{Probe{}};
    }
    if (frame.header.type != MessageType::fork || frame.header.descriptors != 3) {
        return fail(Errc::invalid, "want a probe, or a fork with three descriptors");
    }
    ByteReader fixed{frame.fixed};
    return TemplateOrder{Fork{take_worker(fixed)}};
}

Result<WorkerReport> decode_worker_report(const Frame& frame)
{
    switch (frame.header.type) {
        case MessageType::ready: {
            ByteReader fixed{frame.fixed};
            const WorkerId worker = take_worker(fixed);
            return WorkerReport{Ready{worker, fixed.number<std::int32_t>()}};
        }
        case MessageType::job_started:
            return WorkerReport{JobStarted{Sequence{frame.header.id}}};
        case MessageType::job_chunk:
            return decode_job_chunk(frame);
        case MessageType::job_result:
            return decode_outcome(frame);
        default:
            break;
    }
    return fail(Errc::invalid, "not a worker's message");
}

Result<JobOffer> decode_job_offer(const Frame& frame)
{
    if (frame.header.type != MessageType::job) {
        return fail(Errc::invalid, "want a job");
    }
    ByteReader fixed{frame.fixed};
    JobOffer offer;
    offer.sequence = Sequence{frame.header.id};
    offer.job = JobId{fixed.number<std::uint64_t>()};
    offer.size = fixed.number<std::uint64_t>();
    offer.handler = fixed.number<std::uint16_t>();
    offer.attempt = fixed.number<std::uint16_t>();
    const auto flags = fixed.number<std::uint32_t>();
    offer.want_started = (flags & want_started_bit) != 0;
    if ((flags & has_limits_bit) != 0) {
        JOBMILL_TRY_ASSIGN(offer.limits, take_limits(fixed));
    } else {
        fixed.skip(limits_size);
    }
    offer.user = fixed.number<std::uint32_t>();
    offer.args = frame.meta;
    const std::size_t inputs = flags >> inputs_shift & 0xffU;
    JOBMILL_TRY_ASSIGN(offer.payload, take_inputs(frame, inputs, offer.inputs));
    JOBMILL_TRY_ASSIGN(offer.has_blob,
                       has_blob(offer.payload, frame.header.descriptors - inputs, offer.size));
    return offer;
}

Result<Returned> decode_returned(const Frame& frame)
{
    if (frame.header.type != MessageType::returned || frame.header.descriptors != 0) {
        return fail(Errc::invalid, "want a job, or one whose result was returned");
    }
    ByteReader fixed{frame.fixed};
    return Returned{JobId{fixed.number<std::uint64_t>()}};
}

void encode(const Loaded& message, Bytes& to)
{
    Bytes document;
    msgpack::Writer{document}.value(message.body);
    FrameWriter{to, MessageType::loaded, 0}.payload(document).finish();
}

void encode(const Refused& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::refused, 0};
    meta::Builder{}
        .text("module", message.module, limits::cause_text)
        .text("text", message.text, limits::cause_text)
        .append_to(frame.begin_meta());
    frame.end_meta().finish();
}

void encode(const Fork& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::fork, 0};
    frame.field(number(message.worker.slot)).field(message.worker.generation);
    frame.descriptors(3).finish();
}

void encode(const Forked& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::forked, 0};
    frame.field(number(message.worker.slot)).field(message.worker.generation);
    frame.field(message.pid).field(message.error_number).finish();
}

void encode(const Probe& /*message*/, Bytes& to)
{
    FrameWriter{to, MessageType::probe, 0}.finish();
}

void encode(const Alive& /*message*/, Bytes& to)
{
    FrameWriter{to, MessageType::alive, 0}.finish();
}

void encode(const Ready& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::ready, 0};
    frame.field(number(message.worker.slot)).field(message.worker.generation);
    frame.field(message.pid).zeros(4).finish();
}

namespace {

void append_limits(FrameWriter& frame, const JobLimits& limits)
{
    frame.field(limits.memory).field(limits.cpu_ms).field(limits.file_size);
    frame.field(limits.open_files).field(limits.processes).field(limits.cpus);
    frame.field(limits.nice);
}

}  // namespace

void encode(const Returned& message, Bytes& to)
{
    FrameWriter{to, MessageType::returned, 0}.field(number(message.job)).finish();
}

void encode(const JobOffer& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::job, number(message.sequence)};
    frame.field(number(message.job)).field(message.size).field(message.handler);
    const bool has_limits = message.limits != JobLimits{};
    frame.field(message.attempt);
    frame.field((message.want_started ? want_started_bit : 0U) |
                (has_limits ? has_limits_bit : 0U) |
                static_cast<std::uint32_t>(message.inputs.size()) << inputs_shift);
    if (has_limits) {
        append_limits(frame, message.limits);
    } else {
        frame.zeros(limits_size);
    }
    frame.field(message.user);
    append(frame.begin_meta(), message.args);
    frame.end_meta();
    for (const std::uint64_t size : message.inputs) {
        frame.payload(std::as_bytes(std::span{&size, 1}));
    }
    const std::size_t descriptors = message.inputs.size() + (message.has_blob ? 1U : 0U);
    frame.payload(message.payload).descriptors(static_cast<std::uint8_t>(descriptors)).finish();
}

void encode(const JobStarted& message, Bytes& to)
{
    FrameWriter{to, MessageType::job_started, number(message.sequence)}.finish();
}

void encode(const JobChunk& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::job_chunk, number(message.sequence)};
    frame.field(message.size).field(static_cast<std::uint8_t>(message.stream)).zeros(7);
    frame.payload(message.payload).descriptors(message.has_blob ? 1 : 0).finish();
}

void encode(const JobOutcome& message, Bytes& to)
{
    FrameWriter frame{to, MessageType::job_result, number(message.sequence)};
    frame.field(message.size).field(message.run_ns);
    frame.field(static_cast<std::uint8_t>(message.succeeded ? 1 : 0));
    frame.field(usage_flags(message.usage)).zeros(6);
    append_usage(frame, message.usage);
    meta::Builder builder;
    if (message.cause.present()) {
        meta::add_cause(builder, message.cause);
    }
    builder.append_to(frame.begin_meta());
    frame.end_meta().payload(message.payload).descriptors(message.has_blob ? 1 : 0).finish();
}

}  // namespace jobmill
