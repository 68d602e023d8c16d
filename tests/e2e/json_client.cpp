// SPDX-License-Identifier: MIT
#include "tests/e2e/json_client.hpp"

#include <simdjson.h>

#include <algorithm>
#include <stdexcept>

#include "common/base64.hpp"
#include "jobmill/cause_kind.hpp"
#include "jobmill/error_code.hpp"

namespace jobmill::tests {
namespace {

Value value_of(const simdjson::dom::element& element)
{
    using Type = simdjson::dom::element_type;
    switch (element.type()) {
        case Type::ARRAY: {
            Array array;
            for (const auto item : simdjson::dom::array{element}) {
                array.push_back(value_of(item));
            }
            return Value{std::move(array)};
        }
        case Type::OBJECT: {
            Map map;
            for (const auto member : simdjson::dom::object{element}) {
                map.emplace_back(std::string{member.key}, value_of(member.value));
            }
            return Value{std::move(map)};
        }
        case Type::INT64:
            return Value{std::int64_t{element}};
        case Type::UINT64:
            return Value{std::uint64_t{element}};
        case Type::DOUBLE:
            return Value{double{element}};
        case Type::STRING:
            return Value{std::string_view{element}};
        case Type::BOOL:
            return Value{bool{element}};
        case Type::NULL_VALUE:
            break;
    }
    return Value{};
}

bool is_about(const Value& message, std::string_view id)
{
    if (id.empty() || message.text_at("id") == id) {
        return true;
    }
    const Value* ids = message.find("ids");
    return ids != nullptr && std::any_of(ids->array()->begin(), ids->array()->end(),
                                         [&](const Value& each) { return *each.text() == id; });
}

std::string quoted(std::string_view text)
{
    std::string quoted = "\"";
    for (const char c : text) {
        quoted += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    }
    return quoted + '"';
}

/// Whatever else a test is about: a cause is of a kind that explains the end that it is told with.
void check_cause(const Value& message)
{
    const Value* cause = message.find("cause");
    const std::string_view op = message.text_at("op");
    if (cause == nullptr || (op != "result" && op != "retrying")) {
        return;
    }
    const CauseKind* kind = row_of(cause_kinds, cause->text_at("kind"));
    const auto state = job_state_of(message.text_at("state"));
    if (kind == nullptr || !state || !kind->explains(*state)) {
        throw std::runtime_error{"a cause of the kind \"" + std::string{cause->text_at("kind")} +
                                 "\" does not explain the state " +
                                 std::string{message.text_at("state")}};
    }
}

/// Who is told that there is no room is told when to come again.
void check_busy(const Value& message)
{
    if (message.text_at("op") == "error" && message.text_at("code") == error_code::busy &&
        message.integer_at("retry_after_ms") <= 0) {
        throw std::runtime_error{"busy without retry_after_ms: " +
                                 std::string{message.text_at("text")}};
    }
}

}  // namespace

Value parse_json(std::string_view text)
{
    simdjson::dom::parser parser;
    return value_of(parser.parse(simdjson::padded_string{text}));
}

std::string payload_of(const Value& message)
{
    if (const Value* encoded = message.find("payload_b64")) {
        return std::string{text_of(base64::decode(*encoded->text()).value())};
    }
    return std::string{message.text_at("payload")};
}

std::string cause_text(const Value& result, std::string_view member)
{
    const Value* cause = result.find("cause");
    return cause == nullptr ? "" : std::string{cause->text_at(member)};
}

void JsonClient::send(std::string_view line)
{
    raw_.send(std::string{line} + "\n");
}

void JsonClient::submit(std::string_view id, std::string_view handler, std::string_view payload,
                        std::string_view more)
{
    send(R"({"op":"submit","id":)" + quoted(id) + R"(,"handler":)" + quoted(handler) +
         R"(,"payload":)" + quoted(payload) + std::string{more} + "}");
}

std::optional<Value> JsonClient::read_message()
{
    Bytes& unread = raw_.unread();
    std::size_t searched = taken_;
    while (true) {
        const std::string_view all = text_of(unread);
        const std::size_t end = all.find('\n', searched);
        if (end != std::string_view::npos) {
            Value message = parse_json(all.substr(taken_, end - taken_));
            taken_ = end + 1;
            check_cause(message);
            check_busy(message);
            return message;
        }
        unread.erase(unread.begin(), unread.begin() + static_cast<std::ptrdiff_t>(taken_));
        taken_ = 0;
        searched = unread.size();
        if (!raw_.read_some()) {
            return {};
        }
    }
}

std::optional<Value> JsonClient::next()
{
    if (waiting_.empty()) {
        return read_message();
    }
    Value message = std::move(waiting_.front());
    waiting_.pop_front();
    return message;
}

Value JsonClient::next(std::string_view op, std::string_view id)
{
    const auto wanted = [&](const Value& each) {
        return (op.empty() || each.text_at("op") == op) && is_about(each, id);
    };
    if (const auto found = std::find_if(waiting_.begin(), waiting_.end(), wanted);
        found != waiting_.end()) {
        Value message = std::move(*found);
        waiting_.erase(found);
        return message;
    }
    while (auto message = read_message()) {
        if (wanted(*message)) {
            return std::move(*message);
        }
        waiting_.push_back(std::move(*message));
    }
    throw std::runtime_error{"the session ended before " + std::string{op} + " " + std::string{id} +
                             " came"};
}

std::string JsonClient::job_of(std::string_view id)
{
    const Value accepted = next("accepted", id);
    const auto& ids = *accepted.find("ids")->array();
    const auto at =
        std::find_if(ids.begin(), ids.end(), [&](const Value& each) { return *each.text() == id; });
    const std::uint64_t first = std::stoull(std::string{accepted.text_at("job")});
    waiting_.push_front(accepted);
    return std::to_string(first + static_cast<std::uint64_t>(at - ids.begin()));
}

std::string JsonClient::whole_payload(std::string_view id)
{
    Value part = result(id);
    std::string payload = payload_of(part);
    const auto follows = [](const Value& message) {
        const Value* more = message.find("more");
        return more != nullptr && std::get<bool>(*more);
    };
    while (follows(part)) {
        part = next("piece", id);
        payload += payload_of(part);
    }
    return payload;
}

std::vector<Value> JsonClient::rest()
{
    std::vector<Value> messages;
    while (auto message = next()) {
        messages.push_back(std::move(*message));
    }
    return messages;
}

void JsonClient::ping()
{
    send(R"({"op":"ping","id":"are you there?"})");
    (void)next("pong", "are you there?");
}

std::string JsonClient::try_ping()
{
    try {
        send(R"({"op":"ping","id":"a"})");
    } catch (const std::exception&) {
        // Turned away before it could speak; what it was told is still to be read.
    }
    const auto message = next();
    return std::string{message ? message->text_at("code") : "silence"};
}

}  // namespace jobmill::tests
