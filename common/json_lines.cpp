// SPDX-License-Identifier: MIT
// Requests. Replies are in json_replies.cpp.
#include "common/json_lines.hpp"

#include <array>

#include "common/base64.hpp"
#include "common/codec.hpp"
#include "common/json_members.hpp"
#include "common/json_options.hpp"
#include "common/json_parser.hpp"
#include "common/limits.hpp"
#include "common/nearest.hpp"

namespace jobmill {
namespace {

using json::check_keys;
using json::Element;
using json::Object;
using json::quoted;
using json::Refusal;
using json::refuse;
using json::take;
using json::take_id;
using json::take_name;
using json::take_op;
using json::too_many_bytes;
using json::wrong_type;

constexpr auto ops =
    std::to_array<std::string_view>({"hello", "submit", "piece", "cancel", "wait", "status",
                                     "handlers", "ping", "reload", "log_level"});

}  // namespace

struct JsonDecoder::State {
    Decoded<Request> request(std::string_view op, std::string_view id, const Object& members);

    Decoded<Request> hello(const Object& members);
    Decoded<Request> submit(const Object& members);
    Decoded<Request> piece(const Object& members);
    Decoded<Request> cancel(std::string_view id, const Object& members);
    Decoded<Request> wait(const Object& members);
    Decoded<Request> status(const Object& members);
    Decoded<Request> ping(const Object& members);
    Decoded<Request> log_level(const Object& members);

    Decoded<void> submit_member(std::string_view key, const Element& value, Submit& submit);
    Decoded<void> take_args(const Element& value, ByteView& to);
    Decoded<void> take_payload(std::string_view key, const Element& value, std::size_t limit,
                               ByteView& to);

    json::LineParser parser;
    std::vector<std::string_view> keys;
    Bytes args;
    Bytes payload;  ///< from base64
    bool has_payload = false;
};

Decoded<void> JsonDecoder::State::take_payload(std::string_view key, const Element& value,
                                               std::size_t limit, ByteView& to)
{
    std::string_view text;
    if (auto taken = take(value, key, text); !taken) {
        return taken;
    }
    if (has_payload) {
        return refuse(error_code::bad_value, key, "payload and payload_b64 exclude each other");
    }
    has_payload = true;
    if (key == "payload") {
        to = bytes_of(text);
    } else {
        auto decoded = base64::decode(text);
        if (!decoded) {
            return refuse(error_code::bad_value, key, "not base64");
        }
        payload = std::move(*decoded);
        to = payload;
    }
    return to.size() > limit ? too_many_bytes(key, to.size(), limit) : Decoded<void>{};
}

Decoded<void> JsonDecoder::State::take_args(const Element& value, ByteView& to)
{
    Object members;
    if (value.get(members) != simdjson::SUCCESS) {
        return wrong_type("args", "an object");
    }
    args.clear();
    if (auto written = json::write_args(members, keys, args); !written) {
        return written;
    }
    // They travel on as the metadata of one frame.
    if (args.size() > limits::meta) {
        return too_many_bytes("args", args.size(), limits::meta);
    }
    to = args;
    return {};
}

Decoded<void> JsonDecoder::State::submit_member(std::string_view key, const Element& value,
                                                Submit& submit)
{
    if (key == "op" || key == "id") {
        return {};
    }
    if (key == "payload" || key == "payload_b64") {
        return take_payload(key, value, limits::inline_payload, submit.payload);
    }
    if (key == "args") {
        return take_args(value, submit.options.args);
    }
    if (key == "size") {
        return take(value, key, submit.size);
    }
    if (key == "more") {
        return take(value, key, submit.more);
    }
    const auto taken = json::take_option(key, value, submit.options);
    if (!taken) {
        return Refusal{taken.error()};
    }
    return *taken ? Decoded<void>{} : json::unknown_option(key);
}

Decoded<Request> JsonDecoder::State::submit(const Object& members)
{
    Submit submit;
    bool has_size = false;
    for (const auto member : members) {
        has_size = has_size || member.key == "size";
        if (auto taken = submit_member(member.key, member.value, submit); !taken) {
            return Refusal{std::move(taken).error()};
        }
    }
    if (submit.options.handler.empty()) {
        return refuse(error_code::missing_field, "handler", "which handler?");
    }
    if (auto checked = options::check_together(submit.options.job); !checked) {
        return Refusal{std::move(checked).error()};
    }
    const std::uint64_t here = submit.payload.size();
    if (submit.more && !has_size) {
        return refuse(error_code::missing_field, "size",
                      "of the whole payload, since more follows");
    }
    if (!has_size) {
        submit.size = here;
    }
    if (submit.more ? here >= submit.size : here != submit.size) {
        return refuse(error_code::bad_value, "size", "does not match the payload that came");
    }
    return Request{submit};
}

Decoded<Request> JsonDecoder::State::hello(const Object& members)
{
    Hello hello;
    for (const auto member : members) {
        Decoded<void> taken;
        if (member.key == "min_version") {
            taken = take(member.value, member.key, hello.min_version);
        } else if (member.key == "max_version") {
            taken = take(member.value, member.key, hello.max_version);
        } else if (member.key == "client") {
            taken = take(member.value, member.key, hello.client);
        }
        if (!taken) {
            return Refusal{std::move(taken).error()};
        }
    }
    return Request{hello};
}

Decoded<Request> JsonDecoder::State::piece(const Object& members)
{
    Piece piece;
    for (const auto member : members) {
        Decoded<void> taken;
        if (member.key == "payload" || member.key == "payload_b64") {
            taken = take_payload(member.key, member.value, limits::piece, piece.payload);
        } else if (member.key == "more") {
            taken = take(member.value, member.key, piece.more);
        }
        if (!taken) {
            return Refusal{std::move(taken).error()};
        }
    }
    if (!has_payload) {
        return refuse(error_code::missing_field, "payload_b64", "a piece of what?");
    }
    return Request{piece};
}

Decoded<Request> JsonDecoder::State::cancel(std::string_view id, const Object& members)
{
    Cancel cancel;
    bool all = false;
    for (const auto member : members) {
        Decoded<void> taken;
        if (member.key == "job") {
            cancel.what = CancelWhat::job;
            taken = take(member.value, member.key, cancel.job);
        } else if (member.key == "all") {
            taken = take(member.value, member.key, all);
        }
        if (!taken) {
            return Refusal{std::move(taken).error()};
        }
    }
    if (all && cancel.what == CancelWhat::job) {
        return refuse(error_code::bad_value, "all", "job and all exclude each other");
    }
    if (all) {
        cancel.what = CancelWhat::all;
    }
    if (cancel.what == CancelWhat::tag && id.empty()) {
        return refuse(error_code::missing_field, "id", "want id, job or all");
    }
    return Request{cancel};
}

Decoded<Request> JsonDecoder::State::wait(const Object& members)
{
    Element job;
    if (members.at_key("job").get(job) != simdjson::SUCCESS) {
        return refuse(error_code::missing_field, "job", "want a string of digits");
    }
    Wait wait;
    if (auto taken = take(job, "job", wait.job); !taken) {
        return Refusal{std::move(taken).error()};
    }
    return Request{wait};
}

Decoded<Request> JsonDecoder::State::status(const Object& members)
{
    StatusRequest status;
    Element jobs;
    if (members.at_key("jobs").get(jobs) != simdjson::SUCCESS) {
        return Request{std::move(status)};
    }
    simdjson::dom::array items;
    if (jobs.get(items) != simdjson::SUCCESS) {
        return wrong_type("jobs", "a list of strings of digits");
    }
    for (const Element item : items) {
        if (status.jobs.size() == limits::status_jobs) {
            return refuse(error_code::bad_value, "jobs", "too many", limits::status_jobs);
        }
        if (auto taken = take(item, "jobs", status.jobs.emplace_back()); !taken) {
            return Refusal{std::move(taken).error()};
        }
    }
    return Request{std::move(status)};
}

Decoded<Request> JsonDecoder::State::ping(const Object& members)
{
    Ping ping;
    for (const auto member : members) {
        if (member.key != "payload" && member.key != "payload_b64") {
            continue;
        }
        auto taken = take_payload(member.key, member.value, limits::ping_payload, ping.payload);
        if (!taken) {
            return Refusal{std::move(taken).error()};
        }
    }
    return Request{ping};
}

Decoded<Request> JsonDecoder::State::log_level(const Object& members)
{
    LogLevelRequest request;
    Element value;
    if (members.at_key("level").get(value) == simdjson::SUCCESS) {
        if (auto taken = take_name(value, "level", request.level); !taken) {
            return Refusal{std::move(taken).error()};
        }
    }
    return Request{request};
}

Decoded<Request> JsonDecoder::State::request(std::string_view op, std::string_view id,
                                             const Object& members)
{
    if (auto unique = check_keys(members, keys); !unique) {
        return Refusal{std::move(unique).error()};
    }
    has_payload = false;
    if (id.empty() && (op == "submit" || op == "piece" || op == "wait")) {
        return refuse(error_code::missing_field, "id", "want a string, the job's tag");
    }
    if (op == "submit") {
        return submit(members);
    }
    if (op == "piece") {
        return piece(members);
    }
    if (op == "cancel") {
        return cancel(id, members);
    }
    if (op == "wait") {
        return wait(members);
    }
    if (op == "status") {
        return status(members);
    }
    if (op == "handlers") {
        return Request{HandlersRequest{}};
    }
    if (op == "ping") {
        return ping(members);
    }
    if (op == "reload") {
        return Request{ReloadRequest{}};
    }
    if (op == "log_level") {
        return log_level(members);
    }
    if (op == "hello") {
        return hello(members);
    }
    if (op == "open") {
        return refuse(error_code::unknown_op, "op",
                      "open is of the binary spelling; name the handler in each submit");
    }
    return refuse(error_code::unknown_op, "op", "no message " + quoted(op) + did_you_mean(op, ops));
}

JsonDecoder::JsonDecoder() : state_(std::make_unique<State>()) {}
JsonDecoder::~JsonDecoder() = default;
JsonDecoder::JsonDecoder(JsonDecoder&&) noexcept = default;
JsonDecoder& JsonDecoder::operator=(JsonDecoder&&) noexcept = default;

tl::expected<JsonRequest, JsonFailure> JsonDecoder::decode(std::string_view line)
{
    std::string_view id;
    const auto failed = [&](ErrorReply error) {
        return tl::unexpected<JsonFailure>(JsonFailure{std::string{id}, std::move(error)});
    };
    auto members = state_->parser.parse(line);
    if (!members) {
        return failed(std::move(members).error());
    }
    auto taken = take_id(*members);
    if (!taken) {
        return failed(std::move(taken).error());
    }
    id = *taken;
    auto op = take_op(*members);
    if (!op) {
        return failed(std::move(op).error());
    }
    auto request = state_->request(*op, id, *members);
    if (!request) {
        return failed(std::move(request).error());
    }
    return JsonRequest{id, std::move(*request)};
}

}  // namespace jobmill
