// SPDX-License-Identifier: MIT
#pragma once

#include "tests/chaos/session.hpp"
#include "tests/e2e/raw_client.hpp"

namespace jobmill::chaos {

/// In JSON lines, which can say what the library cannot yet.
class JsonSession : public Session {
public:
    explicit JsonSession(const std::string& socket) : raw_(socket) {}

    void submit(const std::string& id, const RandomJob& job) override;
    /// Jobs that are equal but for their ids and payloads, in one message.
    void submit_many(const std::vector<std::string>& ids, const RandomJob& job);
    void cancel(const std::string& id) override;
    void cancel_job(const std::string& request, std::uint64_t job) override;
    void cancel_all(const std::string& request) override;
    void cancel_batch(const std::string& request, const std::string& batch);
    void wait(const std::string& id, std::uint64_t job) override;
    void half_close() override { raw_.end_output(); }
    void vanish() override;
    std::optional<Heard> next(std::chrono::milliseconds time) override;

    void send(const std::string& line);
    /// What the daemon answers; other messages that come before are dropped.
    [[nodiscard]] Value status();
    /// The next message as it is; none when nothing came in that time, or at the end of input.
    std::optional<Value> next_message(std::chrono::milliseconds time);

private:
    void send_pieces(const std::string& id, std::string_view payload);
    void take_in(const Value& message);

    tests::RawClient raw_;
    std::size_t taken_ = 0;
    bool ended_ = false;
    std::vector<Heard> ready_;  ///< of a message that tells of several jobs; the last first
    /// Payloads that come in pieces, a job each.
    std::vector<Heard> unfinished_;
};

/// The list of that name; an empty one when there is none.
[[nodiscard]] const Array& list_at(const Value& value, std::string_view name);

}  // namespace jobmill::chaos
