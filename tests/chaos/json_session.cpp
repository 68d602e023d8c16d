// SPDX-License-Identifier: MIT
#include "tests/chaos/json_session.hpp"

#include <algorithm>
#include <stdexcept>

#include "common/json_writer.hpp"
#include "common/limits.hpp"
#include "tests/e2e/json_client.hpp"

namespace jobmill::chaos {
namespace {

bool flag(const Value& message, std::string_view name)
{
    const Value* value = message.find(name);
    return value != nullptr && std::holds_alternative<bool>(*value) && std::get<bool>(*value);
}

std::uint64_t number_of(std::string_view text)
{
    return text.empty() ? 0 : std::stoull(std::string{text});
}

void write(JsonWriter& writer, const char* name, const std::optional<std::uint64_t>& value)
{
    if (value && *value == unlimited) {
        writer.key(name).text("unlimited");
    } else if (value) {
        writer.key(name).unsigned_integer(*value);
    }
}

template <typename Number>
void write(JsonWriter& writer, const char* name, const std::optional<Number>& value)
{
    if (value) {
        writer.key(name).integer(*value);
    }
}

void write(JsonWriter& writer, const char* name, std::string_view value)
{
    if (!value.empty()) {
        writer.key(name).text(value);
    }
}

void write(JsonWriter& writer, const char* name, bool value)
{
    if (value) {
        writer.key(name).boolean(true);
    }
}

/// What submit and submit_many have in common.
void write_job(JsonWriter& writer, const RandomJob& job)
{
    const JobOptions& options = job.options;
    writer.key("handler").text(job.handler);
    write(writer, "pool", std::string_view{job.pool});
    if (!job.args.empty()) {
        writer.key("args").value(Value{job.args});
    }
    write(writer, "detached", job.detached);
    write(writer, "started", job.started);
    write(writer, "progress", job.progress);
    write(writer, "priority", options.priority);
    write(writer, "timeout_ms", options.timeout_ms);
    write(writer, "queue_timeout_ms", options.queue_timeout_ms);
    write(writer, "delay_ms", options.delay_ms);
    write(writer, "retry_crash", options.retry_crash);
    write(writer, "retry_timeout", options.retry_timeout);
    write(writer, "retry_failure", options.retry_failure);
    write(writer, "backoff_ms", options.backoff_ms);
    write(writer, "memory", options.memory);
    write(writer, "cpu_ms", options.cpu_ms);
    write(writer, "open_files", options.open_files);
    write(writer, "nice", options.nice);
    write(writer, "cpus", options.cpus);
    write(writer, "batch", std::string_view{job.batch});
    write(writer, "halt", std::string_view{job.halt});
}

void read_cause(const Value& message, Heard& heard)
{
    if (const Value* cause = message.find("cause")) {
        heard.kind = cause->text_at("kind");
        heard.signal = cause->text_at("signal");
        heard.text = cause->text_at("text");
        heard.poison = flag(*cause, "poison");
    }
    heard.attempt =
        static_cast<std::uint64_t>(std::max<std::int64_t>(1, message.integer_at("attempt")));
    for (const Value& attempt : list_at(message, "attempts")) {
        heard.kills += attempt.text_at("signal") == "SIGKILL" ? 1U : 0U;
        heard.workers += std::to_string(attempt.integer_at("worker")) + ',';
    }
    heard.workers += std::to_string(message.integer_at("worker")) + ',';
}

What what_of(std::string_view op)
{
    return op == "started"    ? What::started
           : op == "retrying" ? What::retrying
           : op == "chunk"    ? What::chunk
                              : What::result;
}

}  // namespace

const Array& list_at(const Value& value, std::string_view name)
{
    static const Array none;
    const Value* const member = value.find(name);
    const Array* const list = member == nullptr ? nullptr : member->array();
    return list == nullptr ? none : *list;
}

void JsonSession::send(const std::string& line)
{
    raw_.send_while_reading(bytes_of(line + '\n'));
}

void JsonSession::submit(const std::string& id, const RandomJob& job)
{
    Bytes line;
    JsonWriter writer{line};
    writer.begin_object().key("op").text("submit").key("id").text(id).key("label").text(id);
    write_job(writer, job);
    const bool pieces = job.payload.size() > limits::inline_payload;
    if (pieces) {
        writer.key("size").unsigned_integer(job.payload.size()).key("more").boolean(true);
    } else {
        writer.key("payload").text(job.payload);
    }
    writer.end_object();
    send(std::string{text_of(line)});
    if (pieces) {
        send_pieces(id, job.payload);
    }
}

void JsonSession::send_pieces(const std::string& id, std::string_view payload)
{
    while (!payload.empty()) {
        const std::string_view piece = payload.substr(0, limits::inline_payload);
        payload.remove_prefix(piece.size());
        Bytes line;
        JsonWriter writer{line};
        writer.begin_object().key("op").text("piece").key("id").text(id);
        writer.key("payload_b64").base64(bytes_of(piece));
        write(writer, "more", !payload.empty());
        writer.end_object();
        send(std::string{text_of(line)});
    }
}

void JsonSession::submit_many(const std::vector<std::string>& ids, const RandomJob& job)
{
    Bytes line;
    JsonWriter writer{line};
    writer.begin_object().key("op").text("submit_many").key("ids").begin_array();
    for (const std::string& id : ids) {
        writer.text(id);
    }
    writer.end_array().key("payloads").begin_array();
    for (std::size_t i = 0; i < ids.size(); ++i) {
        writer.text(job.payload);
    }
    writer.end_array();
    // Its jobs share a label, so it has to be one by which each can be known: the first one's.
    writer.key("label").text(ids.front());
    write_job(writer, job);
    writer.end_object();
    send(std::string{text_of(line)});
}

void JsonSession::cancel(const std::string& id)
{
    send(R"({"op":"cancel","id":")" + id + R"("})");
}

void JsonSession::cancel_job(const std::string& request, std::uint64_t job)
{
    send(R"({"op":"cancel","id":")" + request + R"(","job":")" + std::to_string(job) + R"("})");
}

void JsonSession::cancel_all(const std::string& request)
{
    send(R"({"op":"cancel","id":")" + request + R"(","all":true})");
}

void JsonSession::cancel_batch(const std::string& request, const std::string& batch)
{
    send(R"({"op":"cancel","id":")" + request + R"(","batch":")" + batch + R"("})");
}

void JsonSession::wait(const std::string& id, std::uint64_t job)
{
    send(R"({"op":"wait","id":")" + id + R"(","job":")" + std::to_string(job) + R"("})");
}

void JsonSession::vanish()
{
    raw_.send_while_reading(bytes_of(R"({"op":"submit","id":"torn","handler":"su)"));
    raw_.close();
}

std::optional<Value> JsonSession::next_message(std::chrono::milliseconds time)
{
    Bytes& unread = raw_.unread();
    std::size_t searched = taken_;
    while (true) {
        const std::string_view all = text_of(unread);
        if (const std::size_t end = all.find('\n', searched); end != std::string_view::npos) {
            Value message = tests::parse_json(all.substr(taken_, end - taken_));
            taken_ = end + 1;
            return message;
        }
        unread.erase(unread.begin(), unread.begin() + static_cast<std::ptrdiff_t>(taken_));
        taken_ = 0;
        searched = unread.size();
        if (ended_ || !raw_.readable_within(time)) {
            return {};
        }
        ended_ = !raw_.read_some();
    }
}

Value JsonSession::status()
{
    send(R"({"op":"status"})");
    while (auto message = next_message(std::chrono::seconds{10})) {
        if (message->text_at("op") == "status") {
            return std::move(*message);
        }
    }
    throw std::runtime_error{"the daemon tells no status"};
}

std::optional<Heard> JsonSession::next(std::chrono::milliseconds time)
{
    while (ready_.empty()) {
        const auto message = next_message(time);
        if (!message && ended_) {
            return Heard{.what = What::end};
        }
        if (!message) {
            return {};
        }
        take_in(*message);
    }
    Heard heard = std::move(ready_.back());
    ready_.pop_back();
    return heard;
}

void JsonSession::take_in(const Value& message)
{
    const std::string_view op = message.text_at("op");
    Heard heard{.id = std::string{message.text_at("id")}, .job = number_of(message.text_at("job"))};
    if (op == "accepted") {
        const Array& ids = list_at(message, "ids");
        for (std::size_t i = ids.size(); i > 0; --i) {
            heard.what = What::accepted;
            const std::string* const id = ids[i - 1].text();
            heard.id = id == nullptr ? "" : *id;
            heard.job = number_of(message.text_at("job")) + i - 1;
            ready_.push_back(heard);
        }
    } else if (op == "error") {
        heard.what = heard.id.empty() ? What::broken : What::refused;
        heard.code = message.text_at("code");
        heard.text = message.text_at("text");
        ready_.push_back(std::move(heard));
    } else if (op == "started" || op == "retrying" || op == "chunk" || op == "result") {
        heard.what = what_of(op);
        heard.payload = tests::payload_of(message);
        heard.state = message.text_at("state");
        read_cause(message, heard);
        (flag(message, "more") ? unfinished_ : ready_).push_back(std::move(heard));
    } else if (op == "piece") {
        const auto whole = std::find_if(unfinished_.begin(), unfinished_.end(),
                                        [&](const Heard& each) { return each.id == heard.id; });
        if (whole == unfinished_.end()) {
            throw std::runtime_error{"a piece of nothing, " + heard.id};
        }
        whole->payload += tests::payload_of(message);
        if (!flag(message, "more")) {
            ready_.push_back(std::move(*whole));
            unfinished_.erase(whole);
        }
    } else if (op == "closing") {
        throw std::runtime_error{"the daemon says that it closes"};
    }
}

}  // namespace jobmill::chaos
