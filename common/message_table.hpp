// SPDX-License-Identifier: MIT
// Every message type: its number, its name (which is its "op" in JSON), its link and direction, the
// size of its fixed fields, and the protocol version that brought it. PROTOCOL.md has the same
// table; a test compares the two. A number once released is never given to something else.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace jobmill {

enum class MessageType : std::uint8_t {
    hello = 1,
    welcome = 2,
    open = 3,
    opened = 4,
    submit = 5,
    piece = 6,
    accepted = 7,
    started = 8,
    chunk = 9,
    progress = 10,
    result = 11,
    cancel = 12,
    cancelled = 13,
    wait = 14,
    status = 15,
    handlers = 16,
    ping = 17,
    pong = 18,
    credit = 19,
    closing = 20,
    error = 21,
    reload = 22,
    log_level = 23,
    submit_many = 24,
    retry = 25,
    adjust = 26,
    retrying = 27,
    put = 28,
    stored = 29,
    drop = 30,
    // NOLINTNEXTLINE(readability-identifier-naming): "return" is a word of the language
    return_ = 31,

    loaded = 64,
    refused = 65,
    fork = 66,
    forked = 67,
    ready = 68,
    job = 69,
    job_started = 70,
    job_chunk = 71,
    job_result = 72,
    probe = 73,
    alive = 74,
    returned = 75,
};

enum class Link : std::uint8_t {
    client,  ///< a session: a client and the daemon
    // NOLINTNEXTLINE(readability-identifier-naming): "template" is a word of the language
    template_,  ///< the daemon and a pool's template
    worker,     ///< the daemon and one worker
};

enum class Direction : std::uint8_t { to_daemon, from_daemon, both };

struct MessageRow {
    MessageType type;
    std::string_view name;
    Link link;
    Direction direction;
    std::uint16_t fixed;  ///< bytes of the fixed fields
    std::uint16_t since;
};

// clang-format off
inline constexpr auto message_table = std::to_array<MessageRow>({
    {MessageType::hello,       "hello",       Link::client,    Direction::to_daemon,   4,  1},
    {MessageType::welcome,     "welcome",     Link::client,    Direction::from_daemon, 40, 1},
    {MessageType::open,        "open",        Link::client,    Direction::to_daemon,   0,  1},
    {MessageType::opened,      "opened",      Link::client,    Direction::from_daemon, 0,  1},
    {MessageType::submit,      "submit",      Link::client,    Direction::to_daemon,   16, 1},
    {MessageType::piece,       "piece",       Link::client,    Direction::both,        0,  1},
    {MessageType::accepted,    "accepted",    Link::client,    Direction::from_daemon, 16, 1},
    {MessageType::started,     "started",     Link::client,    Direction::from_daemon, 16, 1},
    {MessageType::chunk,       "chunk",       Link::client,    Direction::from_daemon, 24, 1},
    {MessageType::progress,    "progress",    Link::client,    Direction::from_daemon, 24, 1},
    {MessageType::result,      "result",      Link::client,    Direction::from_daemon, 56, 1},
    {MessageType::cancel,      "cancel",      Link::client,    Direction::to_daemon,   16, 1},
    {MessageType::cancelled,   "cancelled",   Link::client,    Direction::from_daemon, 8,  1},
    {MessageType::wait,        "wait",        Link::client,    Direction::to_daemon,   8,  1},
    {MessageType::status,      "status",      Link::client,    Direction::both,        0,  1},
    {MessageType::handlers,    "handlers",    Link::client,    Direction::both,        0,  1},
    {MessageType::ping,        "ping",        Link::client,    Direction::to_daemon,   0,  1},
    {MessageType::pong,        "pong",        Link::client,    Direction::from_daemon, 0,  1},
    {MessageType::credit,      "credit",      Link::client,    Direction::from_daemon, 16, 1},
    {MessageType::closing,     "closing",     Link::client,    Direction::from_daemon, 8,  1},
    {MessageType::error,       "error",       Link::client,    Direction::from_daemon, 0,  1},
    {MessageType::reload,      "reload",      Link::client,    Direction::both,        0,  1},
    {MessageType::log_level,   "log_level",   Link::client,    Direction::both,        0,  1},
    {MessageType::submit_many, "submit_many", Link::client,    Direction::to_daemon,   8,  1},
    {MessageType::retry,       "retry",       Link::client,    Direction::to_daemon,   8,  1},
    {MessageType::adjust,      "adjust",      Link::client,    Direction::both,        0,  1},
    {MessageType::retrying,    "retrying",    Link::client,    Direction::from_daemon, 24, 1},
    {MessageType::put,         "put",         Link::client,    Direction::to_daemon,   8,  1},
    {MessageType::stored,      "stored",      Link::client,    Direction::from_daemon, 0,  1},
    {MessageType::drop,        "drop",        Link::client,    Direction::to_daemon,   0,  1},
    {MessageType::return_,     "return",      Link::client,    Direction::to_daemon,   8,  1},
    {MessageType::loaded,      "loaded",      Link::template_, Direction::to_daemon,   0,  1},
    {MessageType::refused,     "refused",     Link::template_, Direction::to_daemon,   0,  1},
    {MessageType::fork,        "fork",        Link::template_, Direction::from_daemon, 8,  1},
    {MessageType::forked,      "forked",      Link::template_, Direction::to_daemon,   16, 1},
    {MessageType::ready,       "ready",       Link::worker,    Direction::to_daemon,   16, 1},
    {MessageType::job,         "job",         Link::worker,    Direction::from_daemon, 80, 1},
    {MessageType::job_started, "job_started", Link::worker,    Direction::to_daemon,   0,  1},
    {MessageType::job_chunk,   "job_chunk",   Link::worker,    Direction::to_daemon,   16, 1},
    {MessageType::job_result,  "job_result",  Link::worker,    Direction::to_daemon,   40, 1},
    {MessageType::probe,       "probe",       Link::template_, Direction::from_daemon, 0,  1},
    {MessageType::alive,       "alive",       Link::template_, Direction::to_daemon,   0,  1},
    {MessageType::returned,    "returned",    Link::worker,    Direction::from_daemon, 8,  1},
});
// clang-format on

/// By type: the place of its row, plus one; 0 where there is no such type.
inline constexpr auto message_places = [] {
    std::array<std::uint8_t, 256> places{};
    for (std::size_t i = 0; i < message_table.size(); ++i) {
        places.at(static_cast<std::uint8_t>(message_table[i].type)) =
            static_cast<std::uint8_t>(i + 1);
    }
    return places;
}();

/// The row of a type, or null when there is no such type.
[[nodiscard]] constexpr const MessageRow* find_message(MessageType type) noexcept
{
    const std::size_t place = message_places[static_cast<std::uint8_t>(type)];
    return place == 0 ? nullptr : &message_table[place - 1];
}

}  // namespace jobmill
