// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "common/codec.hpp"
#include "tests/e2e/raw_client.hpp"

namespace jobmill::tests {

/// A message of the daemon with the bytes that it borrows: to be moved, for a copy would borrow
/// from this one.
struct Heard {
    Bytes bytes;
    MessageType type{};
    std::uint64_t id = 0;
    bool more = false;
    std::optional<Reply> reply;

    template <typename Message>
    [[nodiscard]] const Message& as() const
    {
        return std::get<Message>(*reply);
    }
};

/// A result and its whole payload.
struct WholeResult {
    JobState state{};
    Cause cause;
    std::string payload;
};

/// A session in frames. Messages that a question is not about wait for theirs.
class BinaryClient {
public:
    /// Says hello and hears welcome.
    explicit BinaryClient(const std::string& socket_path);

    template <typename Message>
    void send(const Message& message, std::span<const int> fds = {})
    {
        Bytes frame;
        encode(message, frame);
        raw_.send(frame, fds);
    }
    void submit(std::uint64_t tag, std::string_view handler, std::string_view payload = "");
    /// The same with a payload in a memfd.
    void submit_blob(std::uint64_t tag, std::string_view handler, int blob, std::uint64_t size);

    [[nodiscard]] std::optional<Heard> next();
    [[nodiscard]] Heard next(MessageType type, std::uint64_t id);
    [[nodiscard]] WholeResult result(std::uint64_t tag);
    /// The error of that request, or of none.
    [[nodiscard]] ErrorReply error(std::uint64_t id)
    {
        return next(MessageType::error, id).as<ErrorMessage>().error;
    }
    void ping(std::uint64_t id = 999);

    /// Drops the messages that nobody has asked for.
    void forget_others() { waiting_.clear(); }

    [[nodiscard]] RawClient& raw() noexcept { return raw_; }

private:
    [[nodiscard]] std::optional<Heard> read_message();

    RawClient raw_;
    FrameSplitter frames_{Link::client, Direction::from_daemon};
    std::deque<Heard> waiting_;
};

/// What a binary session begins with.
[[nodiscard]] Bytes greeting();

}  // namespace jobmill::tests
