// SPDX-License-Identifier: MIT
#include "jobmill/client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "client/client_state.hpp"
#include "client/judgement.hpp"
#include "common/fd_io.hpp"
#include "common/places.hpp"

namespace jobmill {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = Client::Milliseconds;

/// Buffers sent in one turn, so that receiving is never far away.
constexpr int sends_per_turn = 8;

/// Milliseconds to poll for, at most what poll() can be told; -1 without a deadline.
int remaining(std::optional<Clock::time_point> deadline)
{
    if (!deadline) {
        return -1;
    }
    const auto left = std::chrono::ceil<Milliseconds>(*deadline - Clock::now()).count();
    constexpr long most = std::numeric_limits<int>::max();
    return static_cast<int>(std::clamp<long>(left, 0, most));
}

}  // namespace

Client::State::Clock::time_point Client::State::deadline_after(Milliseconds time)
{
    const Clock::time_point now = Clock::now();
    if (time >= std::chrono::floor<Milliseconds>(Clock::time_point::max() - now)) {
        return Clock::time_point::max();
    }
    return now + std::max(time, Milliseconds{0});
}

/// Whatever is called from now on, nothing that was borrowed is looked at any more.
tl::unexpected<Error> Client::State::end(Error why)
{
    failure = std::move(why);
    conversation.end_output();
    return tl::unexpected<Error>{*failure};
}

Result<void> Client::State::send()
{
    for (int i = 0; i < sends_per_turn && conversation.has_outgoing(); ++i) {
        const ByteView bytes = conversation.outgoing();
        const Result<std::size_t> sent =
            send_some(socket.get(), bytes, conversation.outgoing_descriptors());
        if (!sent) {
            if (sent.error().code != Errc::closed) {
                return end(sent.error());
            }
            // What the daemon said before it left is still to be read: it may say why.
            output_lost = true;
            conversation.discard_outgoing();
            return {};
        }
        conversation.sent(*sent);
        if (*sent < bytes.size()) {
            break;
        }
    }
    return {};
}

/// One read; answers whether there was anything.
Result<bool> Client::State::receive()
{
    Result<bool> received = receive_once();
    return received ? received : end(received.error());
}

Result<bool> Client::State::receive_once()
{
    const auto received = receive_some(socket.get(), buffer, conversation.received_descriptors());
    if (!received && received.error().code != Errc::closed) {
        return fail(received.error().code, "from the daemon: " + received.error().what);
    }
    if (received && received->would_block) {
        return false;
    }
    if (!received || received->end) {
        (void)end(end_of_session());
        return true;
    }
    JOBMILL_TRY(conversation.receive(ByteView{buffer}.first(received->size)));
    return true;
}

Error Client::State::end_of_session() const
{
    const std::size_t count = conversation.unfinished();
    return Error{Errc::closed, count == 0
                                   ? "the daemon closed the session"
                                   : "the daemon closed the session with " + std::to_string(count) +
                                         (count == 1 ? " job" : " jobs") + " unfinished"};
}

Result<void> Client::State::check_alive() const
{
    return failure ? Result<void>{tl::unexpect, *failure} : Result<void>{};
}

Result<void> Client::State::check_open() const
{
    if (half_closed) {
        return fail(Errc::invalid, "nothing can be asked after half_close()");
    }
    return check_alive();
}

/// Sends, waits for the socket, and receives once. False when the time is over.
Result<bool> Client::State::pump(std::optional<Clock::time_point> deadline)
{
    JOBMILL_TRY(send());
    return wait(deadline);
}

/// Waits until more can be sent, if there is more, or something comes.
Result<bool> Client::State::wait(std::optional<Clock::time_point> deadline)
{
    JOBMILL_TRY(check_alive());
    if (conversation.held() > options.memory) {
        return fail(Errc::exhausted, "events that were not taken hold " +
                                         std::to_string(conversation.held()) + " bytes");
    }
    const int cancel = conversation.welcomed() ? -1 : options.cancel_fd;
    std::array<pollfd, 2> fds{pollfd{socket.get(), POLLIN, 0}, pollfd{cancel, POLLIN, 0}};
    pollfd& ready = fds.front();
    if (conversation.has_outgoing()) {
        ready.events |= POLLOUT;
    }
    const int count = ::poll(fds.data(), fds.size(), remaining(deadline));
    if (count == 0) {
        return deadline && Clock::now() < *deadline;
    }
    if (count < 0) {
        return errno == EINTR ? Result<bool>{true} : end(fail_errno("poll", errno).value());
    }
    if ((ready.revents & ~POLLOUT) != 0) {
        JOBMILL_TRY(receive());
    }
    return true;
}

Client::Client(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

std::string Client::default_path()
{
    return user_socket_path(current_surroundings());
}

Result<void> Client::half_close()
{
    JOBMILL_TRY(flush());
    if (std::exchange(state_->half_closed, true)) {
        return {};
    }
    state_->conversation.end_output();
    if (::shutdown(state_->socket.get(), SHUT_WR) != 0) {
        return fail_errno("shutdown", errno);
    }
    return {};
}

Result<std::optional<ClientEvent>> Client::next(std::optional<Milliseconds> timeout)
{
    const auto deadline = timeout ? std::optional{State::deadline_after(*timeout)} : std::nullopt;
    while (state_->conversation.events().empty()) {
        JOBMILL_TRY_ASSIGN(const bool in_time, state_->pump(deadline));
        if (!in_time && state_->conversation.events().empty()) {
            return std::optional<ClientEvent>{};
        }
    }
    return poll_event();
}

Result<ClientEvent> Client::answer(Tag tag)
{
    std::size_t seen = 0;
    while (true) {
        const auto& events = state_->conversation.events();
        for (; seen < events.size(); ++seen) {
            if (tag_of(events[seen]) != tag || !is_last(events[seen])) {
                continue;
            }
            ClientEvent event = state_->conversation.take(seen);
            if (const auto* error = std::get_if<event::JobError>(&event)) {
                return tl::unexpected<Error>(as_error(error->error));
            }
            return event;
        }
        if (!state_->conversation.is_open(tag)) {
            return fail(Errc::not_found,
                        "nothing is to come about tag " + std::to_string(number(tag)));
        }
        JOBMILL_TRY(state_->pump({}));
    }
}

Result<Run> Client::run(const NewJob& job)
{
    if (job.detached) {
        return fail(Errc::invalid, "a detached job has no result here; use submit()");
    }
    JOBMILL_TRY_ASSIGN(const Tag tag, submit(job));
    Result<ClientEvent> last = answer(tag);
    if (!last) {
        (void)state_->conversation.cancel(tag, IfRunning::stop);  // nobody else has its tag
        return tl::unexpected<Error>(last.error());
    }
    auto* result = std::get_if<event::JobResult>(&*last);
    if (result == nullptr) {
        return fail(Errc::invalid, "the job ended without a result");
    }
    Run run{.result = std::move(*result), .chunks = {}};
    for (std::size_t i = 0; i < state_->conversation.events().size();) {
        if (tag_of(state_->conversation.events()[i]) != tag) {
            ++i;
            continue;
        }
        ClientEvent event = state_->conversation.take(i);
        if (auto* chunk = std::get_if<event::Chunk>(&event)) {
            run.chunks.push_back(std::move(*chunk));
        }
    }
    return run;
}

Result<void> Client::flush()
{
    JOBMILL_TRY(state_->check_alive());
    while (state_->conversation.has_outgoing() || state_->output_lost) {
        JOBMILL_TRY(state_->send());
        // Until the end of the session, when it was lost.
        if (state_->conversation.has_outgoing() || state_->output_lost) {
            JOBMILL_TRY(state_->wait({}));
        }
    }
    return {};
}

int Client::fd() const noexcept
{
    return state_->socket.get();
}

short Client::wanted_events() const noexcept
{
    if (state_->end_told) {
        return 0;
    }
    // No byte of the socket says that events wait, so anything that it is ready for will do.
    const bool events_wait = !state_->conversation.events().empty();
    const int out = state_->conversation.has_outgoing() || events_wait ? POLLOUT : 0;
    return static_cast<short>(POLLIN | out);
}

Result<void> Client::on_ready()
{
    if (auto sent = state_->send(); !sent) {
        state_->end_told = true;
        return sent;
    }
    if (!state_->conversation.events().empty()) {
        return {};
    }
    Result<void> alive = state_->check_alive();
    if (alive) {
        (void)state_->receive();
        alive = state_->check_alive();  // the end is told at once: nobody asks for more meanwhile
    }
    state_->end_told = !alive;
    return alive;
}

std::optional<ClientEvent> Client::poll_event()
{
    if (state_->conversation.events().empty()) {
        return {};
    }
    return state_->conversation.take(0);
}

std::size_t Client::unfinished() const noexcept
{
    return state_->conversation.open_tags();
}

const event::Welcome& Client::welcome() const noexcept
{
    return state_->conversation.welcome();
}

}  // namespace jobmill
