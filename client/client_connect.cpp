// SPDX-License-Identifier: MIT
// How a client comes to its session.
#include <poll.h>

#include "client/client_state.hpp"
#include "client/connect.hpp"
#include "client/judgement.hpp"
#include "client/socket_holder.hpp"
#include "common/fd_io.hpp"

namespace jobmill {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = Client::Milliseconds;

/// Between two attempts, so that a daemon that comes back finds a machine with time for it.
constexpr Milliseconds pause{10};

/// Whether it can be read, now or within that time.
bool can_be_read(int fd, Milliseconds time = Milliseconds{0})
{
    pollfd ready{fd, POLLIN, 0};
    return ::poll(&ready, 1, static_cast<int>(time.count())) > 0;
}

}  // namespace

Result<Client> Client::connect(const std::string& path)
{
    return connect(path, Options{});
}

Result<Client> Client::connect(const std::string& path, const Options& options)
{
    const auto deadline = State::deadline_after(options.connect_timeout);
    while (true) {
        Result<UniqueFd> socket = connect_to(path);
        Error error;
        if (socket) {
            Options rest = options;
            rest.connect_timeout = std::chrono::ceil<Milliseconds>(deadline - Clock::now());
            Result<Client> client = adopt(socket->release(), std::move(rest));
            if (client) {
                return client;
            }
            // One that left before it said a word has lost nothing of ours; the next may be there.
            if (client.error().code != Errc::closed) {
                return fail(client.error().code, path + ": " + client.error().what);
            }
            error = {Errc::closed, path + ": " + client.error().what};
        } else if (socket.error().code == Errc::in_use) {
            error = {Errc::system, socket.error().what};
        } else {
            return tl::unexpected<Error>(socket.error());
        }
        if (can_be_read(options.cancel_fd, pause)) {
            return fail(Errc::closed, path + ": interrupted");
        }
        if (Clock::now() >= deadline) {
            return tl::unexpected<Error>(std::move(error));
        }
    }
}

Result<Client> Client::adopt(int socket, Options options)
{
    UniqueFd owned{socket};
    JOBMILL_TRY(set_nonblocking(owned.get()));
    const std::string path = bound_path(owned.get());
    const bool descriptors =
        options.descriptors == Descriptors::always ||
        (options.descriptors == Descriptors::automatic && leads_to_daemon(owned.get(), path));
    Client client{std::make_unique<State>(std::move(owned), path, descriptors, std::move(options))};
    State& state = *client.state_;
    const auto deadline = State::deadline_after(state.options.connect_timeout);
    while (!state.conversation.welcomed()) {
        JOBMILL_TRY_ASSIGN(const bool in_time, state.pump(deadline));
        if (can_be_read(state.options.cancel_fd)) {
            return fail(Errc::closed, "interrupted");
        }
        if (!state.conversation.events().empty()) {
            const ClientEvent event = state.conversation.take(0);
            if (const auto* error = std::get_if<event::JobError>(&event)) {
                return tl::unexpected<Error>(as_error(error->error));
            }
        }
        if (!in_time) {
            return fail(Errc::system, "the daemon does not answer");
        }
    }
    return client;
}

}  // namespace jobmill
