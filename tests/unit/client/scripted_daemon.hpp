// SPDX-License-Identifier: MIT
// A daemon that says what a test tells it to, as bytes.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/conversation.hpp"
#include "common/codec.hpp"

namespace jobmill::tests {

template <typename Message>
Bytes said(const Message& message)
{
    Bytes bytes;
    encode(message, bytes);
    return bytes;
}

inline Bytes text_bytes(std::string_view text)
{
    const ByteView view = bytes_of(text);
    return {view.begin(), view.end()};
}

inline Bytes filled(std::size_t size, char c)
{
    return Bytes(size, static_cast<std::byte>(c));
}

/// A conversation and its peer; what the client sent is decoded as it goes.
class ScriptedDaemon {
public:
    explicit ScriptedDaemon(
        const Welcome& welcome = {}, std::size_t memory = 1 << 26, bool stream_parts = false,
        Conversation::Blobs blobs = {.keep_results = false, .kept = 0, .shared = true})
        : client{"test", memory, stream_parts, blobs}
    {
        take_all();
        (void)client.receive(said(welcome));
    }

    /// Has the client send everything.
    void take_all()
    {
        while (client.has_outgoing()) {
            const ByteView bytes = client.outgoing();
            append(received, bytes);
            client.sent(bytes.size());
        }
    }

    /// What the client sent since the last call, after the preamble.
    [[nodiscard]] std::vector<std::string> heard()
    {
        take_all();
        std::vector<std::string> names;
        if (!preamble_taken) {
            received.erase(received.begin(), received.begin() + preamble.size());
            preamble_taken = true;
        }
        splitter.feed(received);
        received.clear();
        while (const auto frame = splitter.next().value_or(std::nullopt)) {
            if (!decode_request(*frame)) {
                names.emplace_back("nonsense");
                continue;
            }
            const MessageRow* row = find_message(frame->header.type);
            std::string name{row == nullptr ? "" : row->name};
            if (frame->header.type == MessageType::piece || frame->header.more) {
                name += " " + std::to_string(frame->header.id) + ":" +
                        std::to_string(frame->payload.size()) + (frame->header.more ? "+" : "");
            }
            names.push_back(std::move(name));
        }
        return names;
    }

    template <typename Message>
    [[nodiscard]] Result<void> say(const Message& message)
    {
        return client.receive(said(message));
    }

    [[nodiscard]] std::optional<ClientEvent> event()
    {
        if (client.events().empty()) {
            return {};
        }
        return client.take(0);
    }

    template <typename Event>
    [[nodiscard]] std::optional<Event> event_of()
    {
        auto any = event();
        if (!any || !std::holds_alternative<Event>(*any)) {
            return {};
        }
        return std::get<Event>(std::move(*any));
    }

    /// A job that was submitted and accepted as job 100 + tag.
    Tag accepted_job(const NewJob& job = {.handler = "echo"})
    {
        const Tag tag = client.submit(job).value();
        (void)say(Accepted{.first = tag, .job = JobId{100 + number(tag)}, .count = 1});
        (void)event();
        return tag;
    }

    Conversation client;
    Bytes received;
    bool preamble_taken = false;
    FrameSplitter splitter{Link::client, Direction::to_daemon};
};

/// What the client sent since the daemon last looked, decoded; the requests borrow from this.
class Sent {
public:
    explicit Sent(ScriptedDaemon& daemon)
    {
        daemon.received.clear();
        daemon.preamble_taken = true;
        daemon.take_all();
        splitter_.feed(std::exchange(daemon.received, {}));
        while (const auto frame = splitter_.next().value_or(std::nullopt)) {
            if (auto request = decode_request(*frame)) {
                requests.push_back(std::move(*request));
            }
        }
    }

    template <typename Message>
    [[nodiscard]] std::vector<Message> all() const
    {
        std::vector<Message> found;
        for (const Request& request : requests) {
            if (const auto* message = std::get_if<Message>(&request)) {
                found.push_back(*message);
            }
        }
        return found;
    }

    std::vector<Request> requests;

private:
    FrameSplitter splitter_{Link::client, Direction::to_daemon};
};

}  // namespace jobmill::tests
