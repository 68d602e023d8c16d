// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/codec.hpp"
#include "daemon/client_session.hpp"
#include "tests/loop/loop_fixture.hpp"

/// So that a failed comparison shows the lines.
template <>
struct doctest::StringMaker<std::vector<std::string>> {
    static String convert(const std::vector<std::string>& lines)
    {
        std::string all;
        for (const std::string& line : lines) {
            all.append(all.empty() ? "" : " | ").append(line);
        }
        return all.c_str();
    }
};

namespace jobmill::tests {

/// The client's end of a session: says frames or lines, hears what comes.
class Peer {
public:
    explicit Peer(UniqueFd socket) : socket_(std::move(socket)) {}

    void say(ByteView bytes, std::span<const int> fds = {}) const;
    void say(std::string_view text) const { say(bytes_of(text)); }
    template <typename Message>
    void send(const Message& message, std::span<const int> fds = {}) const
    {
        Bytes bytes;
        encode(message, bytes);
        say(bytes, fds);
    }
    void end_input() const;
    void hang_up() { socket_.reset(); }
    [[nodiscard]] int socket() const { return socket_.get(); }

    /// Reads what has arrived, at most so much.
    void listen(std::size_t most = std::size_t{1} << 22U);
    /// What was heard since the last call, a line each: "accepted 1:101 x2", "result 1 succeeded
    /// abc", "result 1 succeeded 100000+", "piece 1 65536+", "error 3 busy of 1000" (the
    /// limit). JSON as it is.
    [[nodiscard]] std::vector<std::string> heard();
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] std::uint64_t received() const { return received_; }

private:
    UniqueFd socket_;
    Bytes buffer_;  ///< kept, since to clear one for each look takes a hundred times the look
    Bytes bytes_;
    FrameSplitter frames_{Link::client, Direction::from_daemon};
    bool ended_ = false;
    std::uint64_t received_ = 0;
};

/// Sessions and their desk; the core and the workers are the test.
class DeskFixture : public LoopFixture {
public:
    DeskFixture();
    ~DeskFixture();

    /// Opens a session; its number is 1, 2, ...
    Peer& connect(daemon::Identity client = {.uid = 1000});
    /// A session that has said hello and was welcomed.
    Peer& connect_binary(daemon::Identity client = {.uid = 1000});

    /// What the peer hears once everything has settled, and nothing is held any more.
    std::vector<std::string> heard_by(Peer& peer);
    /// What it hears without that.
    std::vector<std::string> heard_at_once_by(Peer& peer);
    /// Lets the peer hear until that line comes; false when it does not.
    bool hears(Peer& peer, const std::string& line);
    /// Destroys the sessions that are over, as the daemon does at the end of a turn.
    void bury();
    [[nodiscard]] bool is_over(std::uint64_t session) const { return over.contains(session); }

    // ---- the part of the core and the workers ----
    void finish(std::uint64_t job, std::string_view result = {});
    void finish(std::uint64_t job, daemon::Payload payload);
    void end(std::uint64_t job, JobState state, core::EndedBy by, WorkerId worker = {});
    void chunk(std::uint64_t job, daemon::Payload payload, WorkerId worker = {SlotId{1}, 1});
    /// The events of that type which the core was told.
    template <typename Event>
    std::vector<Event> told() const
    {
        std::vector<Event> list;
        for (const core::Event& event : events) {
            if (const auto* match = std::get_if<Event>(&event)) {
                list.push_back(*match);
            }
        }
        return list;
    }

    daemon::PoolDirectory pools{{"default"}};
    core::Dispatcher dispatcher;
    daemon::ClientSession::Settings settings;
    std::vector<core::Event> events;
    std::function<void(const core::Event&)> on_event;
    std::set<std::uint32_t> paused;  ///< slots of the workers that wait
    std::set<std::uint64_t> over;
    bool closing = false;
    std::uint64_t last_job = 100;
    daemon::JobDesk desk;
    daemon::HeldAccepts held_accepts;
    std::map<std::uint64_t, std::unique_ptr<daemon::ClientSession>> sessions;
    std::vector<std::unique_ptr<Peer>> peers;

private:
    void post(const core::Event& event);
};

/// What a binary session begins with.
Bytes greeting();
/// A submit to the handler echo.
Submit submit(std::uint64_t tag, std::string_view payload = {});
Submit detached_submit(std::uint64_t tag);
/// The first frame of a submit whose pieces follow.
Submit submit_more(std::uint64_t tag, std::uint64_t size, std::string_view first = {});
inline Piece piece(std::uint64_t tag, std::string_view payload, bool more)
{
    return Piece{.tag = Tag{tag}, .more = more, .payload = bytes_of(payload)};
}
/// A payload in a blob.
daemon::Payload large(std::size_t size, char fill = 'x');
daemon::Payload small(std::string_view text);

using Lines = std::vector<std::string>;

}  // namespace jobmill::tests
