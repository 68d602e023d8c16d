// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobmill/value.hpp"
#include "tests/e2e/raw_client.hpp"

namespace jobmill::tests {

/// A session in JSON lines. Messages that a question is not about wait for theirs.
class JsonClient {
public:
    explicit JsonClient(const std::string& socket_path) : raw_(socket_path) {}

    /// One line; its newline is added.
    void send(std::string_view line);
    /// A submit of that handler; `more` is JSON members to add, with a comma before each.
    void submit(std::string_view id, std::string_view handler, std::string_view payload = "",
                std::string_view more = "");

    /// The next message in order, whatever it is; none at the end of input.
    [[nodiscard]] std::optional<Value> next();
    /// The next message of that name (of any, if it is empty), and of that id when one is given.
    [[nodiscard]] Value next(std::string_view op, std::string_view id = "");
    [[nodiscard]] Value result(std::string_view id) { return next("result", id); }
    /// A result's payload with all its pieces.
    [[nodiscard]] std::string whole_payload(std::string_view id);
    /// The job number that accepted tells of that id.
    [[nodiscard]] std::string job_of(std::string_view id);
    /// Everything that still comes until the daemon closes.
    [[nodiscard]] std::vector<Value> rest();
    /// A ping and its answer: everything sent before was handled.
    void ping();
    /// Of a new session: nothing when it is served, or the code of the error that it is turned away
    /// with.
    [[nodiscard]] std::string try_ping();

    /// Drops the messages that nobody has asked for.
    void forget_others() { waiting_.clear(); }

    [[nodiscard]] RawClient& raw() noexcept { return raw_; }

private:
    [[nodiscard]] std::optional<Value> read_message();

    RawClient raw_;
    std::size_t taken_ = 0;
    std::deque<Value> waiting_;
};

/// A JSON object as a value.
[[nodiscard]] Value parse_json(std::string_view text);

/// The payload of a message, however it is spelled.
[[nodiscard]] std::string payload_of(const Value& message);

/// The text of a member of a member: of a result's cause, say.
[[nodiscard]] std::string cause_text(const Value& result, std::string_view member);

}  // namespace jobmill::tests
