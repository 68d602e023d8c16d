// SPDX-License-Identifier: MIT
// Requests. Submits are in json_submit.cpp, replies in json_replies.cpp.
#include "common/json_lines.hpp"

#include <algorithm>
#include <array>

#include "common/json_decoder.hpp"
#include "common/json_options.hpp"
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
using json::wrong_type;

/// The member `job`, which must be there.
Decoded<void> take_job(const Object& members, JobId& to)
{
    Element job;
    if (members.at_key("job").get(job) != simdjson::SUCCESS) {
        return refuse(error_code::missing_field, "job", "want a string of digits");
    }
    return take(job, "job", to);
}

Decoded<void> take_adjustment(std::string_view key, const Element& value, AdjustRequest& request)
{
    static constexpr auto members = std::to_array<std::string_view>(
        {"op", "id", "pool", "label", options::max_running.name, options::weight.name});
    if (key == "op" || key == "id") {
        return {};
    }
    if (key == "pool" || key == "label") {
        return take_name(value, key, key == "pool" ? request.pool : request.label);
    }
    if (key == options::max_running.name) {
        return json::take_number(value, options::max_running).map([&](options::Number taken) {
            options::set(taken, request.max_running);
        });
    }
    if (key == options::weight.name) {
        return json::take_number(value, options::weight).map([&](options::Number taken) {
            options::set(taken, request.weight);
        });
    }
    return refuse(error_code::unknown_option, key,
                  "no option " + quoted(key) + did_you_mean(key, members));
}

}  // namespace

Decoded<Request> JsonDecoder::State::hello(const Members& members)
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

Decoded<Request> JsonDecoder::State::piece(const Members& members)
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

namespace {

struct CancelMember {
    std::string_view key;
    CancelWhat what;
};
constexpr auto cancel_members = std::to_array<CancelMember>({{"job", CancelWhat::job},
                                                             {"all", CancelWhat::all},
                                                             {"batch", CancelWhat::batch},
                                                             {"label", CancelWhat::label},
                                                             {"session", CancelWhat::session}});

constexpr std::string_view unless_running_key = "unless_running";

/// A member that is not understood may be what spares a job: it is not passed over.
Decoded<void> check_cancel(const std::vector<std::string_view>& keys)
{
    std::vector<std::string_view> known{"op", "id", unless_running_key};
    for (const CancelMember& member : cancel_members) {
        known.push_back(member.key);
    }
    for (const std::string_view key : keys) {
        if (std::find(known.begin(), known.end(), key) == known.end()) {
            return refuse(error_code::unknown_option, key,
                          "no option " + quoted(key) + did_you_mean(key, known));
        }
    }
    return {};
}

/// What a member of a cancel names; `tag` when it names nothing.
Decoded<CancelWhat> take_cancelled(const CancelMember& member, const Element& value, Cancel& cancel)
{
    bool named = true;
    Decoded<void> taken;
    if (member.what == CancelWhat::job) {
        taken = take(value, member.key, cancel.job);
    } else if (member.what == CancelWhat::batch || member.what == CancelWhat::label) {
        taken = take_name(value, member.key, cancel.name);
        if (taken && cancel.name.empty()) {
            return refuse(error_code::bad_value, member.key, "want at least one character");
        }
    } else {
        taken = take(value, member.key, named);
    }
    return taken.map([&] { return named ? member.what : CancelWhat::tag; });
}

}  // namespace

Decoded<Request> JsonDecoder::State::cancel(const Members& members)
{
    if (auto known = check_cancel(keys); !known) {
        return Refusal{std::move(known).error()};
    }
    Cancel cancel;
    Element unless_running;
    if (members.at_key(unless_running_key).get(unless_running) == simdjson::SUCCESS) {
        if (auto taken = take(unless_running, unless_running_key, cancel.unless_running); !taken) {
            return Refusal{std::move(taken).error()};
        }
    }
    for (const CancelMember& member : cancel_members) {
        Element value;
        if (members.at_key(member.key).get(value) != simdjson::SUCCESS) {
            continue;
        }
        const auto what = take_cancelled(member, value, cancel);
        if (!what) {
            return Refusal{what.error()};
        }
        if (*what != CancelWhat::tag && cancel.what != CancelWhat::tag) {
            return refuse(error_code::bad_value, member.key,
                          "job, all, batch, label and session exclude each other");
        }
        cancel.what = *what == CancelWhat::tag ? cancel.what : *what;
    }
    if (cancel.what == CancelWhat::tag && id.empty()) {
        return refuse(error_code::missing_field, "id",
                      "want id, job, all, batch, label or session");
    }
    return Request{cancel};
}

Decoded<Request> JsonDecoder::State::retry(const Members& members)
{
    Retry retry;
    if (auto taken = take_job(members, retry.job); !taken) {
        return Refusal{std::move(taken).error()};
    }
    return Request{retry};
}

Decoded<Request> JsonDecoder::State::wait(const Members& members)
{
    Wait wait;
    if (auto taken = take_job(members, wait.job); !taken) {
        return Refusal{std::move(taken).error()};
    }
    return Request{wait};
}

Decoded<Request> JsonDecoder::State::status(const Members& members)
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

Decoded<Request> JsonDecoder::State::ping(const Members& members)
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

Decoded<Request> JsonDecoder::State::log_level(const Members& members)
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

Decoded<Request> JsonDecoder::State::handlers(const Members& /*members*/)
{
    return Request{HandlersRequest{}};
}

Decoded<Request> JsonDecoder::State::reload(const Members& /*members*/)
{
    return Request{ReloadRequest{}};
}

Decoded<Request> JsonDecoder::State::adjust(const Members& members)
{
    AdjustRequest request;
    for (const auto member : members) {
        if (auto taken = take_adjustment(member.key, member.value, request); !taken) {
            return Refusal{std::move(taken).error()};
        }
    }
    if (auto checked = options::check_together(request); !checked) {
        return Refusal{std::move(checked).error()};
    }
    return Request{request};
}

Decoded<Request> JsonDecoder::State::request(std::string_view op, const Members& members)
{
    struct Op {
        std::string_view name;
        Decoded<Request> (State::*read)(const Members&);
        bool needs_id = false;
    };
    static constexpr auto ops = std::to_array<Op>({{"hello", &State::hello},
                                                   {"submit", &State::submit, true},
                                                   {"submit_many", &State::submit_many},
                                                   {"put", &State::put, true},
                                                   {"drop", &State::drop, true},
                                                   {"piece", &State::piece, true},
                                                   {"cancel", &State::cancel},
                                                   {"retry", &State::retry},
                                                   {"wait", &State::wait, true},
                                                   {"status", &State::status},
                                                   {"handlers", &State::handlers},
                                                   {"ping", &State::ping},
                                                   {"reload", &State::reload},
                                                   {"log_level", &State::log_level},
                                                   {"adjust", &State::adjust}});
    if (auto unique = check_keys(members, keys); !unique) {
        return Refusal{std::move(unique).error()};
    }
    has_payload = false;
    for (const Op& row : ops) {
        if (row.name == op) {
            return row.needs_id && id.empty()
                       ? refuse(error_code::missing_field, "id", "want a string, the job's tag")
                       : (this->*row.read)(members);
        }
    }
    if (op == "open") {
        return refuse(error_code::unknown_op, "op",
                      "open is of the binary spelling; name the handler in each submit");
    }
    if (op == "return") {
        return refuse(error_code::unknown_op, "op",
                      "return is of the binary spelling; results come in lines here");
    }
    std::array<std::string_view, ops.size()> names;
    std::transform(ops.begin(), ops.end(), names.begin(), [](const Op& row) { return row.name; });
    return refuse(error_code::unknown_op, "op",
                  "no message " + quoted(op) + did_you_mean(op, names));
}

JsonDecoder::JsonDecoder() : state_(std::make_unique<State>()) {}
JsonDecoder::~JsonDecoder() = default;
JsonDecoder::JsonDecoder(JsonDecoder&&) noexcept = default;
JsonDecoder& JsonDecoder::operator=(JsonDecoder&&) noexcept = default;

namespace {

/// Who has said so sends them, whatever becomes of the rest.
bool announces_pieces(std::string_view op, const Object& members)
{
    bool more = false;
    return (op == "submit" || op == "put") &&
           members.at_key("more").get(more) == simdjson::SUCCESS && more;
}

}  // namespace

tl::expected<JsonRequest, JsonFailure> JsonDecoder::decode(std::string_view line)
{
    std::string_view& id = state_->id;
    id = {};
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
    auto request = state_->request(*op, *members);
    if (!request) {
        auto failure = failed(std::move(request).error());
        failure.value().pieces_follow = !id.empty() && announces_pieces(*op, *members);
        return failure;
    }
    return JsonRequest{id, std::move(*request)};
}

}  // namespace jobmill
