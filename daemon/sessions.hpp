// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "daemon/client_session.hpp"
#include "daemon/descriptor_budget.hpp"
#include "daemon/loop/fd_watcher.hpp"
#include "daemon/loop/timer.hpp"
#include "daemon/socket_place.hpp"

namespace jobmill::daemon {

/// The connected clients: accepts them, finds them, lets them go. Whoever finds no room is told so
/// in a line, whatever it is that there is too little of.
class Sessions {
public:
    struct Limits {
        std::uint32_t sessions = 1024;  ///< at the same time
        /// Of them, those of one user. Admins are not held to it: who has to put things right gets
        /// in.
        std::uint32_t sessions_per_user = 1024;
        /// Its members see and touch the jobs of all users, as root does.
        std::optional<gid_t> admin_group;
        ClientSession::Settings each;
    };

    /// `outside` without `over`, which is this class's own business.
    Sessions(loop::EventLoop& loop, FlushList& flush_list, SocketPlace place, Limits limits,
             ClientSession::Outside outside);

    [[nodiscard]] Result<void> start_accepting();
    /// Nobody can connect any more.
    void stop_accepting();
    [[nodiscard]] bool reachable() const { return place_.is_reachable(); }
    /// Makes it so; who came before by the old socket is let in. See SocketPlace.
    [[nodiscard]] Result<void> bind_again();

    /// For sessions from now on.
    void set_limits(const Limits& limits) { limits_ = limits; }
    /// Those that wait to be accepted, without another turn of the loop.
    void accept_waiting() { accept_some(); }

    [[nodiscard]] ClientSession* find(SessionId session);
    [[nodiscard]] bool empty() const noexcept { return sessions_.empty(); }
    [[nodiscard]] const std::string& socket_path() const noexcept { return place_.path(); }

    /// How long to be without any before it counts as idle: whoever started us may be slow to come.
    [[nodiscard]] std::chrono::milliseconds idle_time(std::chrono::milliseconds wanted) const
    {
        constexpr std::chrono::milliseconds for_the_first{10'000};
        return last_id_ > 0 ? wanted : std::max(wanted, for_the_first);
    }

    void broadcast(const Reply& reply);
    /// Every session sends what it has and ends.
    void finish_all();
    /// Those that are over leave the table, and the desk is told; at the end of a turn.
    void bury();

private:
    void accept_some();
    void accept_one(UniqueFd socket);
    [[nodiscard]] std::optional<ErrorReply> judge(int socket, const Identity& client) const;
    void turn_away(UniqueFd socket, ErrorReply busy);
    /// Turns away a client that there is no descriptor for; answers whether, or errno says why not.
    bool shed_one();

    loop::EventLoop& loop_;
    FlushList& flush_list_;
    SocketPlace place_;
    Limits limits_;
    ClientSession::Outside outside_;
    std::unique_ptr<loop::FdWatcher> watcher_;
    std::unique_ptr<loop::Timer> rest_;  ///< with the watcher
    DescriptorBudget budget_ = DescriptorBudget::of_this_process();
    UniqueFd spare_;  ///< given up for a moment when descriptors run out
    std::unordered_map<std::uint64_t, std::unique_ptr<ClientSession>> sessions_;
    std::unordered_map<uid_t, std::uint32_t> users_;  ///< how many each has
    std::vector<SessionId> over_;
    std::uint64_t last_id_ = 0;
};

}  // namespace jobmill::daemon
