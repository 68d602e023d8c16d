// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "daemon/channel.hpp"
#include "daemon/core/event.hpp"
#include "daemon/loop/timer.hpp"

namespace jobmill::daemon {

/// How long a session waits for its client: to say something, to finish what it began to say, to
/// take what it is told. Only tells when that is over; what follows is the session's affair. Before
/// it does, it looks at the socket: who was in time is not late because the daemon was stopped.
class SessionPatience {
public:
    struct Settings {
        /// Until the first message is whole. Whoever connects and has nothing to say has not come
        /// to work; a client that works says something at once.
        std::chrono::milliseconds first_message{5'000};
        /// For the rest of a message, once its first byte has come. For all of it: a byte now and
        /// then gains nothing.
        std::chrono::milliseconds rest{10'000};
        /// For the client to take something of what waits for it. While it does not, workers may
        /// wait for it that others need.
        std::chrono::milliseconds stall{30'000};
        /// For the client to take its last messages.
        std::chrono::milliseconds linger{5'000};
    };
    enum class Lost : std::uint8_t {
        silent,      ///< it never said anything
        unfinished,  ///< the rest of a message did not come
        stalled,     ///< it does not read
        lingering,   ///< not even its last messages
    };

    [[nodiscard]] static Result<std::unique_ptr<SessionPatience>> create(
        loop::EventLoop& loop, const Settings& settings, Channel& channel,
        std::function<void(Lost)> on_lost);

    /// A whole message came.
    void message_came();
    /// All that has come is looked at; `begun`: of a message that is not whole.
    void waits_for_more(bool begun);
    /// The session does not listen, so nobody can be late.
    void does_not_listen();
    /// The client's side is full.
    void is_full();
    /// Nothing more will be said than what is on its way.
    void says_last_words();
    void stop();

private:
    /// What the client is waited for to say.
    enum class Awaited : std::uint8_t {
        first_byte,
        first_message,
        nothing,  ///< it may be silent as long as it likes
        rest,
        farewell,
    };

    SessionPatience(const Settings& settings, Channel& channel, std::function<void(Lost)> on_lost);
    void on_time();
    [[nodiscard]] bool has_come();
    void look_at_output();

    Settings settings_;
    Channel& channel_;
    std::function<void(Lost)> on_lost_;
    core::TimePoint begun_;
    std::unique_ptr<loop::Timer> input_timer_;
    std::unique_ptr<loop::Timer> output_timer_;
    Awaited awaited_ = Awaited::first_byte;
    // When the output timer was started:
    std::uint64_t taken_ = 0;    ///< by the client's side
    std::size_t in_socket_ = 0;  ///< of that, not read
};

}  // namespace jobmill::daemon
