// SPDX-License-Identifier: MIT
#include "tests/e2e/binary_client.hpp"

#include <algorithm>
#include <stdexcept>

namespace jobmill::tests {

Bytes greeting()
{
    const ByteView beginning = bytes_of(preamble);
    Bytes bytes{beginning.begin(), beginning.end()};
    encode(Hello{.client = "e2e"}, bytes);
    return bytes;
}

BinaryClient::BinaryClient(const std::string& socket_path) : raw_(socket_path)
{
    raw_.send(greeting());
    (void)next(MessageType::welcome, 0);
}

void BinaryClient::submit(std::uint64_t tag, std::string_view handler, std::string_view payload)
{
    send(Submit{.tag = Tag{tag},
                .size = payload.size(),
                .options = {.handler = handler},
                .payload = bytes_of(payload)});
}

void BinaryClient::submit_blob(std::uint64_t tag, std::string_view handler, int blob,
                               std::uint64_t size)
{
    send(Submit{.tag = Tag{tag}, .size = size, .has_blob = true, .options = {.handler = handler}},
         {&blob, 1});
}

std::optional<Heard> BinaryClient::read_message()
{
    while (true) {
        const auto frame = frames_.next();
        if (!frame) {
            throw std::runtime_error{"nonsense from the daemon: " + frame.error().what};
        }
        if (*frame) {
            const Frame& view = **frame;
            Heard heard{.bytes = {},
                        .type = view.header.type,
                        .id = view.header.id,
                        .more = view.header.more,
                        .reply = {}};
            for (const ByteView part : {view.fixed, view.meta, view.payload}) {
                append(heard.bytes, part);
            }
            const ByteView all{heard.bytes};
            const Frame copy{.header = view.header,
                             .fixed = all.first(view.fixed.size()),
                             .meta = all.subspan(view.fixed.size(), view.meta.size()),
                             .payload = all.subspan(view.fixed.size() + view.meta.size())};
            auto reply = decode_reply(copy);
            if (!reply) {
                throw std::runtime_error{"the daemon says what cannot be: " + reply.error().text};
            }
            heard.reply = std::move(*reply);
            return heard;
        }
        if (raw_.unread().empty() && !raw_.read_some()) {
            return {};
        }
        frames_.feed(raw_.unread());
        raw_.unread().clear();
    }
}

std::optional<Heard> BinaryClient::next()
{
    if (waiting_.empty()) {
        return read_message();
    }
    Heard message = std::move(waiting_.front());
    waiting_.pop_front();
    return message;
}

Heard BinaryClient::next(MessageType type, std::uint64_t id)
{
    const auto wanted = [&](const Heard& each) { return each.type == type && each.id == id; };
    if (const auto found = std::find_if(waiting_.begin(), waiting_.end(), wanted);
        found != waiting_.end()) {
        Heard message = std::move(*found);
        waiting_.erase(found);
        return message;
    }
    while (auto message = read_message()) {
        if (wanted(*message)) {
            return std::move(*message);
        }
        waiting_.push_back(std::move(*message));
    }
    throw std::runtime_error{"the session ended before message " +
                             std::to_string(static_cast<int>(type)) + " of " + std::to_string(id) +
                             " came"};
}

WholeResult BinaryClient::result(std::uint64_t tag)
{
    const Heard head = next(MessageType::result, tag);
    const auto& message = head.as<JobResult>();
    WholeResult whole{.state = message.state,
                      .cause = message.cause,
                      .payload = std::string{text_of(message.payload)}};
    for (bool more = head.more; more;) {
        const Heard piece = next(MessageType::piece, tag);
        whole.payload += text_of(piece.as<Piece>().payload);
        more = piece.more;
    }
    return whole;
}

void BinaryClient::ping(std::uint64_t id)
{
    send(Ping{.tag = Tag{id}});
    (void)next(MessageType::pong, id);
}

}  // namespace jobmill::tests
