// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include "common/codec.hpp"
#include "common/limits.hpp"
#include "common/msgpack.hpp"
#include "tests/golden/samples.hpp"

using namespace jobmill;

namespace {

/// The one frame in the bytes.
Frame framed(ByteView bytes, test::Route route)
{
    const auto header =
        decode_header(bytes.first<FrameHeader::size>(), route.link, route.direction);
    REQUIRE(header.has_value());
    ByteReader reader{bytes.subspan(FrameHeader::size)};
    Frame frame;
    frame.header = *header;
    frame.fixed = reader.take(header->fixed);
    frame.meta = reader.take(header->meta);
    frame.payload = reader.rest();
    REQUIRE(reader.ok());
    return frame;
}

constexpr test::Route requests{Link::client, Direction::to_daemon};
constexpr test::Route replies{Link::client, Direction::from_daemon};
constexpr test::Route worker_reports{Link::worker, Direction::to_daemon};

template <typename Message>
ErrorReply refused(const Message& message)
{
    Bytes bytes;
    encode(message, bytes);
    const auto decoding = decode_request(framed(bytes, requests));
    REQUIRE_FALSE(decoding.has_value());
    return decoding.error();
}

ErrorReply refused_with_meta(MessageType type, const Value& meta)
{
    Bytes bytes;
    FrameWriter frame{bytes, type, 7};
    frame.zeros(find_message(type)->fixed);
    msgpack::Writer{frame.begin_meta()}.value(meta);
    frame.end_meta().finish();
    const auto decoding = decode_request(framed(bytes, requests));
    REQUIRE_FALSE(decoding.has_value());
    return decoding.error();
}

Submit plain_submit()
{
    Submit submit;
    submit.options.handler = "sum";
    submit.payload = bytes_of("100");
    submit.size = 3;
    return submit;
}

}  // namespace

TEST_CASE("every message comes back as it was")
{
    for (const test::Sample& sample : test::samples()) {
        CAPTURE(sample.name);
        const Bytes bytes = test::encoded(sample.message);
        const test::Route route = test::route_of(sample.message);
        const auto message = test::decoded(framed(bytes, route), route);
        REQUIRE_MESSAGE(message.has_value(), message.error().what);
        CHECK(message->index() == sample.message.index());
        CHECK(test::encoded(*message) == bytes);
    }
}

TEST_CASE("a frame whose payload or metadata is cut short is decoded without harm")
{
    for (const test::Sample& sample : test::samples()) {
        const Bytes bytes = test::encoded(sample.message);
        const test::Route route = test::route_of(sample.message);
        const Frame whole = framed(bytes, route);
        for (std::size_t size = 0; size < whole.payload.size(); ++size) {
            Frame frame = whole;
            frame.payload = whole.payload.first(size);
            (void)test::decoded(frame, route);
        }
        for (std::size_t size = 1; size < whole.meta.size(); ++size) {
            Frame frame = whole;
            frame.meta = whole.meta.first(size);
            CAPTURE(sample.name);
            CAPTURE(size);
            const auto message = test::decoded(frame, route);
            CHECK_MESSAGE(!message.has_value() == (route.link != Link::worker ||
                                                   route.direction == Direction::to_daemon),
                          "a job's arguments are the worker's to judge");
        }
    }
}

TEST_CASE("any byte of any message may be spoilt without harm")
{
    for (const test::Sample& sample : test::samples()) {
        const Bytes bytes = test::encoded(sample.message);
        const test::Route route = test::route_of(sample.message);
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            for (const auto bit : std::initializer_list<std::uint8_t>{0x01, 0x80, 0xff}) {
                Bytes spoilt = bytes;
                spoilt[at] ^= std::byte{bit};
                FrameSplitter splitter{route.link, route.direction};
                splitter.feed(spoilt);
                if (const auto frame = splitter.next(); frame && *frame) {
                    if (const auto message = test::decoded(**frame, route)) {
                        (void)test::encoded(*message);
                    }
                }
            }
        }
    }
}

TEST_CASE("messages of another link are refused by every decoder")
{
    for (const test::Sample& sample : test::samples()) {
        const test::Route own = test::route_of(sample.message);
        const Bytes bytes = test::encoded(sample.message);
        const Frame frame = framed(bytes, own);
        for (const Link link : {Link::client, Link::template_, Link::worker}) {
            for (const Direction way : {Direction::to_daemon, Direction::from_daemon}) {
                if (link != own.link) {
                    CAPTURE(sample.name);
                    CHECK_FALSE(test::decoded(frame, {link, way}).has_value());
                }
            }
        }
    }
}

TEST_CASE("a submit whose size does not match its payload is refused")
{
    Submit submit = plain_submit();
    submit.size = 4;
    CHECK(refused(submit).field == "size");
    submit.more = true;
    submit.size = 3;
    CHECK_MESSAGE(refused(submit).field == "size", "nothing is left for pieces");
    submit.size = 2;
    CHECK(refused(submit).field == "size");
}

TEST_CASE("a submit with a descriptor has no payload and no pieces")
{
    Submit submit = plain_submit();
    submit.has_blob = true;
    CHECK(refused(submit).field == "size");
    submit.payload = {};
    submit.more = true;
    CHECK(refused(submit).field == "size");
    Bytes bytes;
    FrameWriter frame{bytes, MessageType::submit, 7};
    frame.zeros(16).descriptors(2).finish();
    CHECK(decode_request(framed(bytes, requests)).error().field == "descriptors");
}

TEST_CASE("a payload above the inline limit is refused with the limit")
{
    const Bytes large(limits::inline_payload + 1);
    Submit submit = plain_submit();
    submit.payload = large;
    submit.size = large.size();
    const ErrorReply error = refused(submit);
    CHECK(error.code == error_code::bad_value);
    CHECK(error.field == "payload");
    CHECK(error.limit == limits::inline_payload);
    CHECK(refused(Piece{Tag{7}, false, large}).limit == limits::piece);
    CHECK(refused(Ping{Tag{7}, ByteView{large}.first(limits::ping_payload + 1)}).limit ==
          limits::ping_payload);
}

TEST_CASE("an option that is not understood is refused by its name")
{
    const ErrorReply error = refused_with_meta(
        MessageType::submit, Value{Map{{"handler", Value{"sum"}}, {"urgency", Value{1}}}});
    CHECK(error.code == error_code::unknown_option);
    CHECK(error.field == "urgency");
}

TEST_CASE("options of a wrong type are refused by their names")
{
    for (const char* name :
         {"pool", "handler", "label", "args", "detached", "started", "progress"}) {
        const ErrorReply error =
            refused_with_meta(MessageType::submit, Value{Map{{name, Value{7}}}});
        CHECK(error.code == error_code::wrong_type);
        CHECK(error.field == name);
    }
}

TEST_CASE("names above the limit are refused, in a submit and in an open")
{
    const std::string name(limits::name + 1, 'x');
    for (const char* field : {"pool", "handler", "label"}) {
        const ErrorReply error =
            refused_with_meta(MessageType::submit, Value{Map{{field, Value{name}}}});
        CHECK(error.code == error_code::bad_value);
        CHECK(error.limit == limits::name);
    }
    CHECK(refused(Open{.number = 1, .pool = name, .handler = "sum"}).field == "pool");
    CHECK(refused(Open{.number = 1, .pool = {}, .handler = name}).field == "handler");
}

TEST_CASE("an opened number is above 0 and fits a submit")
{
    CHECK(refused(Open{.number = 0, .pool = {}, .handler = "sum"}).field == "id");
    CHECK(refused(Open{.number = 1ULL << 32U, .pool = {}, .handler = "sum"}).field == "id");
}

TEST_CASE("arguments nested above the limit are too deep, and others not")
{
    const auto nested = [](std::size_t depth) {
        Value value{Map{}};
        for (std::size_t i = 1; i < depth; ++i) {
            Map around;
            around.emplace_back("x", std::move(value));
            value = Value{std::move(around)};
        }
        Map options;
        options.emplace_back("handler", Value{"sum"});
        options.emplace_back("args", std::move(value));
        return Value{std::move(options)};
    };
    const ErrorReply error = refused_with_meta(MessageType::submit, nested(limits::depth + 1));
    CHECK(error.code == error_code::too_deep);
    CHECK(error.field == "args");
    Bytes bytes;
    FrameWriter frame{bytes, MessageType::submit, 7};
    frame.zeros(16);
    msgpack::Writer{frame.begin_meta()}.value(nested(limits::depth));
    frame.end_meta().finish();
    CHECK(decode_request(framed(bytes, requests)).has_value());
}

TEST_CASE("text that is not UTF-8 is refused by the name of its field")
{
    const ErrorReply error =
        refused_with_meta(MessageType::submit, Value{Map{{"handler", Value{"\xff"}}}});
    CHECK(error.code == error_code::not_utf8);
    CHECK(error.field == "handler");
}

TEST_CASE("fixed fields out of their range are refused")
{
    Bytes bytes;
    FrameWriter{bytes, MessageType::cancel, 7}.field(std::uint64_t{1}).field(6U).zeros(4).finish();
    CHECK(decode_request(framed(bytes, requests)).error().field == "what");

    for (const int state : {0, 1, 2, 11, 255}) {
        bytes.clear();
        FrameWriter frame{bytes, MessageType::result, 7};
        frame.zeros(36).field(static_cast<std::uint8_t>(state)).zeros(3).finish();
        CHECK(decode_reply(framed(bytes, replies)).error().field == "state");
    }
    bytes.clear();
    FrameWriter{bytes, MessageType::chunk, 7}.zeros(16).field(std::uint8_t{3}).zeros(7).finish();
    CHECK(decode_reply(framed(bytes, replies)).error().field == "stream");

    bytes.clear();
    FrameWriter{bytes, MessageType::job_result, 7}
        .zeros(16)
        .field(std::uint8_t{2})
        .zeros(23)
        .finish();
    CHECK_FALSE(decode_worker_report(framed(bytes, worker_reports)).has_value());
}

TEST_CASE("an offer without limits is one whose limits mean nothing")
{
    JobOffer offer;
    offer.sequence = Sequence{1};
    Bytes bytes;
    encode(offer, bytes);
    auto read = decode_job_offer(framed(bytes, {Link::worker, Direction::from_daemon}));
    REQUIRE(read.has_value());
    CHECK(read->limits == JobLimits{});
    offer.limits.memory = 1;
    bytes.clear();
    encode(offer, bytes);
    read = decode_job_offer(framed(bytes, {Link::worker, Direction::from_daemon}));
    REQUIRE(read.has_value());
    CHECK(read->limits == offer.limits);
}

TEST_CASE("an offer's inputs come before its payload, as many as descriptors beside it")
{
    constexpr test::Route offers{Link::worker, Direction::from_daemon};
    JobOffer offer;
    offer.inputs = {7, 1ULL << 40U};
    offer.size = 3;
    offer.payload = bytes_of("100");
    Bytes bytes;
    encode(offer, bytes);
    const auto read = decode_job_offer(framed(bytes, offers));
    REQUIRE(read.has_value());
    CHECK(read->inputs == offer.inputs);
    CHECK(text_of(read->payload) == "100");
    CHECK_FALSE(read->has_blob);
    const auto refused = [&](std::uint32_t count, std::uint8_t descriptors, std::size_t payload) {
        Bytes frame;
        FrameWriter{frame, MessageType::job, 7}
            .zeros(20)
            .field(count << 8U)
            .zeros(56)
            .payload(Bytes(payload))
            .descriptors(descriptors)
            .finish();
        return !decode_job_offer(framed(frame, offers)).has_value();
    };
    CHECK_FALSE(refused(2, 2, 16));
    CHECK_FALSE(refused(2, 3, 16));
    CHECK(refused(2, 1, 16));
    CHECK(refused(2, 4, 16));
    CHECK(refused(2, 2, 15));
    CHECK(refused(9, 9, 72));
}

TEST_CASE("a job has a few inputs, which are numbers")
{
    Submit submit;
    submit.tag = Tag{7};
    submit.options.handler = "sum";
    submit.options.inputs.edit().assign(limits::inputs, 12);
    Bytes bytes;
    encode(submit, bytes);
    CHECK(decode_request(framed(bytes, requests)).has_value());
    submit.options.inputs.edit().push_back(12);
    bytes.clear();
    encode(submit, bytes);
    const auto too_many = decode_request(framed(bytes, requests));
    REQUIRE_FALSE(too_many.has_value());
    CHECK(too_many.error().field == "inputs");
    CHECK(too_many.error().limit == limits::inputs);
}

TEST_CASE("limits that no job can have are refused")
{
    for (const int field : {0, 1, 2, 3, 4}) {
        CAPTURE(field);
        Bytes bytes;
        FrameWriter frame{bytes, MessageType::job, 7};
        frame.zeros(20).field(std::uint32_t{2});
        for (int i = 0; i < 5; ++i) {
            frame.field(std::uint64_t{i == field ? 0U : 5U});
        }
        frame.zeros(16).finish();
        CHECK_FALSE(decode_job_offer(framed(bytes, {Link::worker, Direction::from_daemon})));
    }
    for (const std::int32_t nice : {-1, 20}) {
        JobOffer offer;
        offer.limits.nice = nice;
        Bytes bytes;
        encode(offer, bytes);
        CHECK_FALSE(decode_job_offer(framed(bytes, {Link::worker, Direction::from_daemon})));
    }
}

TEST_CASE("what a job took is there, or said to be unknown")
{
    for (const bool known : {false, true}) {
        for (const std::uint64_t peak : {0U, 4096U}) {
            Bytes bytes;
            FrameWriter{bytes, MessageType::job_result, 7}
                .zeros(16)
                .field(std::uint8_t{1})
                .field(static_cast<std::uint8_t>(known ? 3 : 0))
                .zeros(6)
                .field(std::uint64_t{1000})
                .field(peak)
                .finish();
            const auto report = decode_worker_report(framed(bytes, worker_reports));
            REQUIRE(report.has_value());
            const Usage& usage = std::get<JobOutcome>(*report).usage;
            CHECK(usage.cpu_ns.has_value() == known);
            CHECK(usage.peak_rss.has_value() == (known && peak > 0));
            CHECK(usage.approximate == known);
        }
    }
    Bytes bytes;
    FrameWriter{bytes, MessageType::job_result, 7}
        .zeros(17)
        .field(std::uint8_t{4})
        .zeros(22)
        .finish();
    CHECK_FALSE(decode_worker_report(framed(bytes, worker_reports)).has_value());
}

TEST_CASE("a worker's payload has the size that it declares")
{
    for (const std::uint64_t size : {0U, 2U, 4U}) {
        JobOutcome outcome;
        outcome.size = size;
        outcome.payload = bytes_of("abc");
        Bytes bytes;
        encode(outcome, bytes);
        CHECK_FALSE(decode_worker_report(framed(bytes, worker_reports)).has_value());
        bytes.clear();
        encode(JobChunk{.sequence = Sequence{1},
                        .size = size,
                        .stream = Stream::none,
                        .has_blob = false,
                        .payload = bytes_of("abc")},
               bytes);
        CHECK_FALSE(decode_worker_report(framed(bytes, worker_reports)).has_value());
    }
}

TEST_CASE("numbers that do not fit their fields are refused, not cut")
{
    Bytes bytes;
    FrameWriter frame{bytes, MessageType::job_result, 7};
    frame.zeros(40);
    msgpack::Writer{frame.begin_meta()}.value(Value{Map{{"exit_code", Value{1LL << 40U}}}});
    frame.end_meta().finish();
    CHECK_FALSE(decode_worker_report(framed(bytes, worker_reports)).has_value());
}

TEST_CASE("an error that quotes a huge name is cut to what a frame can say")
{
    ErrorMessage message{.tag = Tag{7}, .error = {}};
    message.error.code = error_code::unknown_option;
    message.error.field = std::string(65'000, 'x') + "\xff";
    message.error.text = std::string(300'000, '\xff');
    Bytes bytes;
    encode(message, bytes);
    const auto reply = decode_reply(framed(bytes, replies));
    REQUIRE(reply.has_value());
    const ErrorReply& error = std::get<ErrorMessage>(*reply).error;
    CHECK(error.field.size() == limits::name);
    CHECK(error.text.size() <= limits::cause_text);
}

TEST_CASE("a worker's endless words are cut before they are passed on")
{
    JobResult result;
    result.state = JobState::failed;
    result.cause.edit().kind = "error";
    result.cause.edit().text = std::string(100'000, 'x');
    result.cause.edit().stderr_tail = std::string(100'000, '\xfe');
    result.cause.edit().last_words = std::string(100'000, 'z');
    Bytes bytes;
    encode(result, bytes);
    const auto reply = decode_reply(framed(bytes, replies));
    REQUIRE(reply.has_value());
    CHECK(std::get<JobResult>(*reply).cause->text.size() == limits::cause_text);
}

TEST_CASE("an answer that fits no frame becomes an error")
{
    const Value body{Map{{"pools", Value{std::string(limits::frame, 'x')}}}};
    Bytes bytes;
    encode(HandlersReply{.tag = Tag{7}, .body = body}, bytes);
    const auto reply = decode_reply(framed(bytes, replies));
    REQUIRE(reply.has_value());
    CHECK(std::get<ErrorMessage>(*reply).error.code == error_code::too_large);
    CHECK(std::get<ErrorMessage>(*reply).tag == Tag{7});
}

TEST_CASE("members that a later version adds are passed over")
{
    Bytes bytes;
    FrameWriter frame{bytes, MessageType::hello, 0};
    frame.field(std::uint16_t{1}).field(std::uint16_t{2});
    msgpack::Writer{frame.begin_meta()}.value(
        Value{Map{{"new", Value{Array{Value{1}, Value{Map{}}}}}, {"client", Value{"me"}}}});
    frame.end_meta().finish();
    const auto request = decode_request(framed(bytes, requests));
    REQUIRE(request.has_value());
    CHECK(std::get<Hello>(*request).client == "me");
    CHECK(std::get<Hello>(*request).max_version == 2);
}

TEST_CASE("metadata that is no map, or has something behind it, is a bad frame")
{
    for (const auto& meta : {Bytes{std::byte{0x07}}, Bytes{std::byte{0x80}, std::byte{0x80}},
                             Bytes{std::byte{0x81}, std::byte{0x07}, std::byte{0x07}}}) {
        Bytes bytes;
        FrameWriter frame{bytes, MessageType::hello, 0};
        frame.zeros(4);
        append(frame.begin_meta(), ByteView{meta});
        frame.end_meta().finish();
        CHECK(decode_request(framed(bytes, requests)).error().code == error_code::bad_frame);
    }
}

TEST_CASE("a job number below 0 is refused, not taken for a huge one")
{
    const ErrorReply error = refused_with_meta(
        MessageType::status, Value{Map{{"jobs", Value{Array{Value{7}, Value{-1}}}}}});
    CHECK(error.code == error_code::bad_value);
    CHECK(error.field == "jobs");
}

TEST_CASE("descriptors belong to submits and puts alone, and to results")
{
    for (const MessageType type : {MessageType::ping, MessageType::drop}) {
        Bytes bytes;
        FrameWriter{bytes, type, 7}.descriptors(1).finish();
        CHECK(decode_request(framed(bytes, requests)).error().field == "descriptors");
    }
    Bytes two;
    FrameWriter{two, MessageType::put, 7}.field(std::uint64_t{9}).descriptors(2).finish();
    CHECK(decode_request(framed(two, requests)).error().field == "descriptors");
    JobResult result{.tag = Tag{7}, .size = 9, .more = true, .has_blob = true, .cause = {}};
    Bytes pieces;
    encode(result, pieces);
    CHECK_FALSE(decode_reply(framed(pieces, replies)).has_value());
    result.more = false;
    result.payload = bytes_of("x");
    Bytes payload;
    encode(result, payload);
    CHECK_FALSE(decode_reply(framed(payload, replies)).has_value());
}

TEST_CASE("a job has one payload: what was put, or its own")
{
    Submit submit;
    submit.tag = Tag{7};
    submit.options.handler = "sum";
    submit.options.blob = 12;
    submit.size = 1;
    submit.payload = bytes_of("x");
    Bytes bytes;
    encode(submit, bytes);
    CHECK(decode_request(framed(bytes, requests)).error().field == "blob");
    SubmitMany many;
    many.options.handler = "sum";
    many.options.blob = 12;
    many.payloads = {bytes_of("x")};
    Bytes of_many;
    encode(many, of_many);
    CHECK(decode_request(framed(of_many, requests)).error().field == "blob");
}

TEST_CASE("a note that is not UTF-8 is refused")
{
    Bytes bytes;
    encode(Progress{.tag = Tag{7}, .job = {}, .done = 0, .total = 0, .note = "\xff"}, bytes);
    CHECK_FALSE(decode_reply(framed(bytes, replies)).has_value());
}

TEST_CASE("the size of the options is what they take in a frame")
{
    SubmitOptions options;
    CHECK(encoded_size(options) == 0);
    options.handler = "sum";
    CHECK(encoded_size(options) == 1 + 8 + 4);
}
