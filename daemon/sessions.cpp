// SPDX-License-Identifier: MIT
#include "daemon/sessions.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "common/fd_io.hpp"
#include "common/json_lines.hpp"
#include "daemon/log.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {
namespace {

/// Accepted in one turn; a storm of clients must not keep the loop from the others.
constexpr int accepted_at_once = 64;
/// Between two looks at clients that nothing can be done for, not even turning them away.
constexpr std::chrono::milliseconds rest_time{100};

UniqueFd open_spare()
{
    return UniqueFd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
}

ErrorReply no_descriptors(const DescriptorBudget& budget)
{
    return busy_refusal("too few descriptors are left of " + std::to_string(budget.limit()),
                        retry_later_ms, "", static_cast<std::uint64_t>(budget.limit()));
}

}  // namespace

Sessions::Sessions(loop::EventLoop& loop, FlushList& flush_list, SocketPlace place, Limits limits,
                   ClientSession::Outside outside)
    : loop_(loop),
      flush_list_(flush_list),
      place_(std::move(place)),
      limits_(limits),
      outside_(std::move(outside)),
      spare_(open_spare())
{
    outside_.over = [this](SessionId session) { over_.push_back(session); };
}

Result<void> Sessions::start_accepting()
{
    JOBMILL_TRY_ASSIGN(auto watcher, loop::FdWatcher::create(loop_, place_.socket(),
                                                             [this](unsigned) { accept_some(); }));
    JOBMILL_TRY_ASSIGN(auto rest, loop::Timer::create(loop_, [this] {
                           watcher_->watch(loop::FdWatcher::readable);
                       }));
    watcher_ = std::make_unique<loop::FdWatcher>(std::move(watcher));
    rest_ = std::make_unique<loop::Timer>(std::move(rest));
    watcher_->watch(loop::FdWatcher::readable);
    return {};
}

void Sessions::stop_accepting()
{
    rest_.reset();
    watcher_.reset();
    place_.close();
}

Result<void> Sessions::bind_again()
{
    const bool accepting = watcher_ != nullptr;
    // All of them, as many as there is room for: who is left there is lost with the socket.
    const auto somebody_waits = [socket = place_.socket()] {
        pollfd waiting{socket, POLLIN, 0};
        return ::poll(&waiting, 1, 0) > 0;
    };
    for (int i = 0; accepting && i < SOMAXCONN && somebody_waits(); i += accepted_at_once) {
        accept_some();
    }
    rest_.reset();
    watcher_.reset();  // before its socket is closed
    auto bound = place_.bind_again();
    if (accepting) {
        JOBMILL_TRY(start_accepting());
    }
    return bound;
}

void Sessions::accept_some()
{
    for (int i = 0; i < accepted_at_once; ++i) {
        UniqueFd socket{::accept4(place_.socket(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        if (socket) {
            accept_one(std::move(socket));
            continue;
        }
        if ((errno == EMFILE || errno == ENFILE) && shed_one()) {
            return;
        }
        if (errno != ECONNABORTED && errno != EINTR) {
            if (errno != EAGAIN && watcher_) {
                // The client still waits, and would wake us at once, for ever.
                watcher_->watch(0);
                rest_->start_once(rest_time);
            }
            return;
        }
    }
}

bool Sessions::shed_one()
{
    spare_.reset();
    UniqueFd socket{::accept4(place_.socket(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    const int cause = errno;
    const auto shed = static_cast<bool>(socket);
    if (shed) {
        turn_away(std::move(socket), no_descriptors(budget_));
    }
    spare_ = open_spare();
    errno = cause;
    return shed;
}

void Sessions::turn_away(UniqueFd socket, ErrorReply busy)
{
    log::warning("client turned away", {{"cause", busy.text}, {"limit", busy.limit.value_or(0)}});
    Bytes line;
    encode_line(ErrorMessage{.tag = Tag{}, .error = std::move(busy)}, {}, line);
    (void)send_some(socket.get(), line);
}

/// Why that client cannot be let in now, if so.
std::optional<ErrorReply> Sessions::judge(int socket, const Identity& client) const
{
    const auto user = users_.find(client.uid);
    if (!client.admin && user != users_.end() && user->second >= limits_.sessions_per_user) {
        return busy_refusal(
            "too many sessions of this user; the limit (max_sessions_per_user) is " +
                std::to_string(limits_.sessions_per_user),
            retry_later_ms, "", limits_.sessions_per_user);
    }
    if (sessions_.size() >= limits_.sessions) {
        return busy_refusal(
            "too many sessions; the limit (max_sessions) is " + std::to_string(limits_.sessions),
            retry_later_ms, "", limits_.sessions);
    }
    if (!budget_.allows_session(socket)) {
        return no_descriptors(budget_);
    }
    return std::nullopt;
}

void Sessions::accept_one(UniqueFd socket)
{
    const auto peer = peer_credentials(socket.get());
    if (!peer) {
        log::warning("client lost", {{"cause", peer.error().what}});
        return;
    }
    const Identity client = judge_client(*peer, limits_.admin_group);
    if (auto busy = judge(socket.get(), client)) {
        turn_away(std::move(socket), std::move(*busy));
        return;
    }
    auto channel = Channel::create(loop_, flush_list_, std::move(socket));
    if (!channel) {
        log::warning("client lost",
                     {{"user", peer->uid}, {"pid", peer->pid}, {"cause", channel.error().what}});
        return;
    }
    const SessionId id{++last_id_};
    auto session = ClientSession::create(loop_, std::move(*channel), {.id = id, .identity = client},
                                         limits_.each, outside_);
    if (!session) {
        log::warning("client lost",
                     {{"user", peer->uid}, {"pid", peer->pid}, {"cause", session.error().what}});
        return;
    }
    log::debug("session opened",
               {{"session", number(id)}, {"user", peer->uid}, {"pid", peer->pid}});
    sessions_.emplace(number(id), std::move(*session));
    ++users_[client.uid];
}

ClientSession* Sessions::find(SessionId session)
{
    const auto found = sessions_.find(number(session));
    return found == sessions_.end() ? nullptr : found->second.get();
}

void Sessions::broadcast(const Reply& reply)
{
    for (const auto& [id, session] : sessions_) {
        session->announce(reply);
    }
}

void Sessions::finish_all()
{
    for (const auto& [id, session] : sessions_) {
        session->finish();
    }
}

void Sessions::bury()
{
    while (!over_.empty()) {
        const SessionId id = over_.back();
        over_.pop_back();
        // Out of the table first: what its jobs still say goes nowhere.
        const auto node = sessions_.extract(number(id));
        if (!node.empty()) {
            log::debug("session closed", {{"session", number(id)}});
            const uid_t uid = node.mapped()->identity().uid;
            if (--users_.at(uid) == 0) {
                users_.erase(uid);
            }
            outside_.desk.session_lost(id, uid, node.mapped()->unfinished());
        }
    }
}

}  // namespace jobmill::daemon
