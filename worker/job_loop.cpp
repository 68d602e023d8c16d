// SPDX-License-Identifier: MIT
#include "worker/job_loop.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <utility>

#include "common/claims.hpp"
#include "common/codec.hpp"
#include "common/fd_io.hpp"
#include "worker/heartbeat.hpp"
#include "worker/job_run.hpp"
#include "worker/leave.hpp"

namespace jobmill {
namespace {

constexpr std::size_t read_size = 1U << 16U;

}  // namespace

JobLoop::JobLoop(int link, SegmentLayout& layout, const Equipment& equipment)
    : link_(link), layout_(layout), equipment_(equipment), writer_(link, layout), buffer_(read_size)
{
    constexpr timeval read_waits{1, 0};
    (void)::setsockopt(link_, SOL_SOCKET, SO_RCVTIMEO, &read_waits, sizeof read_waits);
}

void JobLoop::run(WorkerId worker)
{
    writer_.send(Ready{worker, ::getpid()});
    while (read()) {
        while (true) {
            const auto frame = splitter_.next();
            if (!frame) {
                leave_broken("link: " + frame.error().what);
            }
            if (!*frame) {
                break;
            }
            serve(**frame);
        }
        writer_.flush();
    }
}

bool JobLoop::read()
{
    while (true) {
        const auto received = receive_some(link_, buffer_, descriptors_);
        if (!received) {
            if (received.error().code == Errc::closed) {
                return false;
            }
            leave_broken("link: " + received.error().what);
        }
        if (received->would_block) {
            rest();
            continue;
        }
        splitter_.feed(ByteView{buffer_}.first(received->size));
        return !received->end;
    }
}

/// A read waits for a while only, so that a worker without work does not hold on to blobs, nor its
/// runtime to what it keeps.
void JobLoop::rest()
{
    if (!rested_) {
        rested_ = true;
        equipment_.runtime.idle();
    }
    mappings_.trim(monotonic_ns());
    if (mappings_.empty()) {
        pollfd readable{link_, POLLIN, 0};
        (void)::poll(&readable, 1, -1);
    }
}

void JobLoop::serve(const Frame& frame)
{
    UniqueFd blob = take_descriptor(frame);
    const auto offer = decode_job_offer(frame);
    if (!offer) {
        leave_broken("link: " + offer.error().what);
    }
    const auto handlers = equipment_.handlers.all();
    if (offer->handler >= handlers.size()) {
        leave_broken("link: there is no handler number " + std::to_string(offer->handler));
    }
    if (!take_claim(layout_, offer->sequence)) {
        return;
    }
    rested_ = false;
    JobRun{*offer, std::move(blob), writer_, layout_, meter_, mappings_}.run(
        handlers[offer->handler]);
}

UniqueFd JobLoop::take_descriptor(const Frame& frame)
{
    if (frame.header.descriptors == 0) {
        return {};
    }
    if (frame.header.descriptors > 1 || descriptors_.empty()) {
        leave_broken("link: a frame without the descriptors that it announced");
    }
    UniqueFd taken = std::move(descriptors_.front());
    descriptors_.pop_front();
    return taken;
}

}  // namespace jobmill
