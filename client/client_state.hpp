// SPDX-License-Identifier: MIT
// What a Client is behind its interface: a socket and the conversation over it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/conversation.hpp"
#include "common/unique_fd.hpp"
#include "jobmill/client.hpp"

namespace jobmill {

struct Client::State {
    using Clock = std::chrono::steady_clock;

    static constexpr std::size_t read_size = std::size_t{256} * 1024;

    /// `bound`: the path that the daemon bound; empty when it has none.
    State(UniqueFd connected, const std::string& bound, bool descriptors, Options chosen)
        : socket(std::move(connected)),
          within_daemon(!bound.empty() && bound == named_socket()),
          options(std::move(chosen)),
          conversation(options.name, options.memory, options.stream_parts,
                       {.keep_results = options.result_blobs,
                        .kept = options.kept_blobs,
                        .shared = descriptors}),
          buffer(read_size)
    {
    }

    /// $JOBMILL_SOCKET: whose worker or command this process is; empty when it is none.
    [[nodiscard]] static std::string_view named_socket() noexcept;
    /// Saturated: what never comes is at the end of the clock.
    [[nodiscard]] static Clock::time_point deadline_after(Milliseconds time);

    /// The session is over; answers why.
    tl::unexpected<Error> end(Error why);
    [[nodiscard]] Result<void> send();
    [[nodiscard]] Result<bool> receive();
    [[nodiscard]] Result<bool> receive_once();
    [[nodiscard]] Result<bool> pump(std::optional<Clock::time_point> deadline);
    [[nodiscard]] Result<bool> wait(std::optional<Clock::time_point> deadline);
    [[nodiscard]] Error end_of_session() const;
    [[nodiscard]] Result<void> check_alive() const;
    /// Refuses what cannot be sent after half_close(), or when the session is over.
    [[nodiscard]] Result<void> check_open() const;

    /// The running job that a new one is a child of: this process works for it, and it was that
    /// daemon that said so.
    [[nodiscard]] std::optional<std::uint64_t> parent_of(const NewJob& job) const;
    /// Waits until there is credit, or there will be none.
    [[nodiscard]] Result<void> wait_for_credit(std::uint64_t payload_size);
    /// As many of these as go together, when there is credit for one.
    [[nodiscard]] Result<Conversation::Range> submit_first(std::span<const ByteView> payloads,
                                                           const NewJob& job);

    UniqueFd socket;
    bool within_daemon;  ///< this process is a worker or command of that daemon
    Options options;
    Conversation conversation;
    std::vector<std::byte> buffer;
    bool end_told = false;         ///< on_ready() has said that the session is over
    std::optional<Error> failure;  ///< why the session is over
    bool half_closed = false;
    bool output_lost = false;  ///< the daemon takes no more, and we shall hear why
};

}  // namespace jobmill
