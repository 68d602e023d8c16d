// SPDX-License-Identifier: MIT
#include "worker/job_loop.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/claims.hpp"
#include "common/codec.hpp"
#include "common/fd_io.hpp"
#include "worker/birth_state.hpp"
#include "worker/children.hpp"
#include "worker/heartbeat.hpp"
#include "worker/leave.hpp"

namespace jobmill {
namespace {

constexpr std::size_t read_size = 1U << 16U;

constexpr int rest_after_ms = 1000;

}  // namespace

JobLoop::JobLoop(int link, SegmentLayout& layout, const Equipment& equipment)
    : link_(link),
      layout_(layout),
      equipment_(equipment),
      kit_{.link = LinkWriter{link, layout}},
      buffer_(read_size)
{
}

void JobLoop::run(WorkerId worker)
{
    kit_.link.send(Ready{worker, ::getpid()});
    do {
        serve_all();
        if (!more_is_there()) {
            if (kit_.child_looks.due_now()) {
                kill_children();
            }
            kit_.link.flush_before_rest();
            await_offer();
        }
    } while (read());
}

/// What was read.
void JobLoop::serve_all()
{
    while (true) {
        const auto frame = splitter_.next();
        if (!frame) {
            leave_broken("link: " + frame.error().what);
        }
        if (!*frame) {
            return;
        }
        serve(**frame);
    }
}

/// Then results may wait for those of the jobs that come.
bool JobLoop::more_is_there() const
{
    pollfd readable{link_, POLLIN, 0};
    return is_offered(layout_, Sequence{number(last_) + 1}) && ::poll(&readable, 1, 0) > 0;
}

bool JobLoop::read()
{
    const auto received = receive_some(link_, buffer_, descriptors_);
    if (!received) {
        if (received.error().code == Errc::closed) {
            return false;
        }
        leave_broken("link: " + received.error().what);
    }
    splitter_.feed(ByteView{buffer_}.first(received->size));
    return !received->end;
}

/// In poll(), because who sleeps in a read of a Unix socket is woken when his peer reads, too: each
/// result that the daemon takes would wake the worker for nothing, on another core most likely.
void JobLoop::await_offer()
{
    if (equipment_.spin_us > 0) {
        spin();
    }
    pollfd readable{link_, POLLIN, 0};
    while (true) {
        const bool nothing_kept = rested_ && kit_.mappings.empty() && kit_.results.empty();
        const bool owes = kit_.restore_turns.owed();
        const int patience = owes ? RestoreTurns::pause_ms : nothing_kept ? -1 : rest_after_ms;
        const int count = ::poll(&readable, 1, patience);
        if (count > 0 || (count < 0 && errno != EINTR)) {
            return;
        }
        if (count == 0 && owes) {
            // Or a timer that a tiny job has left behind would end the worker while it waits.
            restore_birth();
            kit_.restore_turns.restored(monotonic_ns());
        } else if (count == 0) {
            rest();
        }
    }
}

/// Looks for the next offer for a while, for whoever sleeps has to be woken up. Others who want the
/// processor have it meanwhile.
void JobLoop::spin()
{
    constexpr std::uint64_t microsecond = 1000;
    const std::uint64_t until = monotonic_ns() + equipment_.spin_us * microsecond;
    char next = 0;
    while (::recv(link_, &next, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && monotonic_ns() < until) {
        (void)::sched_yield();
    }
}

/// So that a worker without work does not hold on to blobs, nor its runtime to what it keeps.
void JobLoop::rest()
{
    if (!rested_) {
        rested_ = true;
        equipment_.runtime.idle();
    }
    kit_.mappings.trim(monotonic_ns());
    kit_.results.trim(monotonic_ns());
}

void JobLoop::serve(const Frame& frame)
{
    if (frame.header.type == MessageType::returned) {
        const auto returned = decode_returned(frame);
        if (!returned) {
            leave_broken("link: " + returned.error().what);
        }
        kit_.results.returned(returned->job);
        return;
    }
    std::vector<UniqueFd> blobs = take_descriptors(frame);
    const auto offer = decode_job_offer(frame);
    if (!offer) {
        leave_broken("link: " + offer.error().what);
    }
    const auto handlers = equipment_.handlers.all();
    if (offer->handler >= handlers.size()) {
        leave_broken("link: there is no handler number " + std::to_string(offer->handler));
    }
    last_ = offer->sequence;
    if (!take_claim(layout_, offer->sequence)) {
        return;
    }
    rested_ = false;
    JobRun{*offer, std::move(blobs), layout_, kit_}.run(handlers[offer->handler]);
}

std::vector<UniqueFd> JobLoop::take_descriptors(const Frame& frame)
{
    std::vector<UniqueFd> taken;
    for (unsigned left = frame.header.descriptors; left > 0; --left) {
        if (descriptors_.empty()) {
            leave_broken("link: a frame without the descriptors that it announced");
        }
        taken.push_back(std::move(descriptors_.front()));
        descriptors_.pop_front();
    }
    return taken;
}

}  // namespace jobmill
