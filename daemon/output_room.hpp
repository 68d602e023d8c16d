// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

namespace jobmill::daemon {

/// How much room there is for what clients have not read yet, and who has taken it: in all, each
/// user, each session. Says from when on a session has so much before it that none of its jobs
/// should begin. Those that run are let finish, so that the room may be overdrawn by a result each.
class OutputRoom {
public:
    struct Limits {
        std::uint64_t user = std::uint64_t{64} << 20U;
        std::uint64_t all = std::uint64_t{512} << 20U;
    };

    /// So much every session may have before it, whatever others have: who reads what he gets goes
    /// on beside one who does not.
    static constexpr std::uint64_t least = std::uint64_t{256} * 1024;
    /// That holds as long as no more sessions of a user that is beyond his limit have more than
    /// that before them: else each that never reads would have a result of any size beyond it.
    static constexpr std::size_t most_hoarders = 8;
    /// And as long as they do not have more than so many times the limit, if there is more than
    /// one.
    static constexpr std::uint64_t most_beyond = 4;

    /// A session's part of the room, as long as this lives. Not to outlive the room.
    class Share {
    public:
        /// `on_turn` is told when closed() is another than before by what another session does.
        Share(OutputRoom& room, unsigned uid, std::function<void()> on_turn);
        Share(const Share&) = delete;
        Share& operator=(const Share&) = delete;
        ~Share();

        /// So much is before the client now.
        void take(std::uint64_t bytes);
        /// Nothing is any more, whatever take() says; the others of the user hear of it.
        void end();
        /// More than this before the client is too much now.
        [[nodiscard]] std::uint64_t window() const;
        /// No session of the user should begin a job, were nothing before its client.
        [[nodiscard]] bool closed() const { return room_.users_.at(uid_).closed; }
        /// Whether there is room for so much more at once beside what other sessions have; what is
        /// more than there is at all has room when they have nothing, and who has nothing himself
        /// does not wait for other users.
        [[nodiscard]] bool has_room(std::uint64_t bytes) const;

    private:
        void account(std::uint64_t bytes);
        void judge_user();

        OutputRoom& room_;
        unsigned uid_;
        std::function<void()> on_turn_;
        std::uint64_t taken_ = 0;
        bool ended_ = false;
    };

    explicit OutputRoom(const Limits& limits) : limits_(limits) {}
    void set_limits(const Limits& limits) { limits_ = limits; }

private:
    struct User {
        std::uint64_t taken = 0;
        std::size_t hoarders = 0;  ///< sessions with more than the least before them
        bool closed = false;
        std::vector<Share*> shares;
    };

    Limits limits_;
    std::uint64_t all_ = 0;
    std::unordered_map<unsigned, User> users_;  ///< who have sessions
};

}  // namespace jobmill::daemon
