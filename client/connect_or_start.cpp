// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdlib>

#include "client/starter.hpp"
#include "common/places.hpp"

namespace jobmill {
namespace {

/// Whether there is no daemon, none that stays, or one that has not answered so far: one whose
/// modules load does not.
bool may_come(const Error& error) noexcept
{
    return error.code == Errc::not_found || error.code == Errc::closed ||
           error.code == Errc::system;
}

}  // namespace

bool may_start(const std::string& socket)
{
    const char* forbidden = std::getenv("JOBMILL_NO_START");  // NOLINT(concurrency-mt-unsafe)
    return (forbidden == nullptr || *forbidden == '\0') &&
           socket == own_socket_path(current_surroundings()) && socket != system_socket_path;
}

Result<Client> connect_or_start(StartRequest request, const Client::Options& options)
{
    if (!may_start(request.socket)) {
        return Client::connect(request.socket, options);
    }
    const char* wish = std::getenv("JOBMILL_IDLE_TIMEOUT");  // NOLINT(concurrency-mt-unsafe)
    if (wish != nullptr && *wish != '\0') {
        request.options.idle_timeout = wish;
    }
    if (request.options.cancel_fd < 0) {
        request.options.cancel_fd = options.cancel_fd;
    }
    // A daemon may leave between its answer and the session: idle ones do, at any moment.
    constexpr int attempts = 5;
    // Who waits longer is told so, and may be interrupted.
    Client::Options impatient = options;
    impatient.connect_timeout = std::min(options.connect_timeout, std::chrono::milliseconds{1000});
    Result<Client> client = Client::connect(request.socket, impatient);
    for (int i = 1; i < attempts && !client && may_come(client.error()); ++i) {
        JOBMILL_TRY(ensure_daemon(request));
        client = Client::connect(request.socket, options);
    }
    return client;
}

Result<Client> connect_or_start(const Client::Options& options, const StartOptions& start)
{
    return connect_or_start(
        StartRequest{
            .socket = Client::default_path(), .options = start, .started_by = options.name},
        options);
}

}  // namespace jobmill
