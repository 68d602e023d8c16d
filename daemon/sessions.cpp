// SPDX-License-Identifier: MIT
#include "daemon/sessions.hpp"

#include <fcntl.h>
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

UniqueFd open_spare()
{
    return UniqueFd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
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
    watcher_ = std::make_unique<loop::FdWatcher>(std::move(watcher));
    watcher_->watch(loop::FdWatcher::readable);
    return {};
}

void Sessions::stop_accepting()
{
    watcher_.reset();
    place_.close();
}

void Sessions::accept_some()
{
    for (int i = 0; i < accepted_at_once; ++i) {
        UniqueFd socket{::accept4(place_.socket(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        if (socket) {
            accept_one(std::move(socket));
            continue;
        }
        if (errno == EMFILE || errno == ENFILE) {
            shed_one();
        }
        if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

void Sessions::shed_one()
{
    // Left in the queue the client would wake us again at once, for ever.
    spare_.reset();
    UniqueFd socket{::accept4(place_.socket(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (socket) {
        turn_away(std::move(socket));
    }
    spare_ = open_spare();
    errno = EAGAIN;
}

void Sessions::turn_away(UniqueFd socket)
{
    log::warning("client turned away",
                 {{"cause", "too many sessions"}, {"limit", limits_.sessions}});
    Bytes line;
    auto busy = refusal(error_code::busy, "too many sessions", "", limits_.sessions);
    busy.retry_after_ms = 1000;
    encode_line(ErrorMessage{.tag = Tag{}, .error = std::move(busy)}, {}, line);
    (void)send_some(socket.get(), line);
}

void Sessions::accept_one(UniqueFd socket)
{
    if (sessions_.size() >= limits_.sessions) {
        turn_away(std::move(socket));
        return;
    }
    const auto peer = peer_credentials(socket.get());
    if (!peer) {
        log::warning("client lost", {{"cause", peer.error().what}});
        return;
    }
    auto channel = Channel::create(loop_, flush_list_, std::move(socket));
    if (!channel) {
        log::warning("client lost",
                     {{"user", peer->uid}, {"pid", peer->pid}, {"cause", channel.error().what}});
        return;
    }
    const SessionId id{++last_id_};
    auto session = ClientSession::create(
        loop_, std::move(*channel),
        {.id = id, .identity = judge_client(*peer, limits_.admin_group)}, limits_.each, outside_);
    if (!session) {
        log::warning("client lost",
                     {{"user", peer->uid}, {"pid", peer->pid}, {"cause", session.error().what}});
        return;
    }
    log::debug("session opened",
               {{"session", number(id)}, {"user", peer->uid}, {"pid", peer->pid}});
    sessions_.emplace(number(id), std::move(*session));
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
            outside_.desk.session_lost(id);
        }
    }
}

}  // namespace jobmill::daemon
