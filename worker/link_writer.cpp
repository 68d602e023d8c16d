// SPDX-License-Identifier: MIT
#include "worker/link_writer.hpp"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <utility>

#include "common/assert.hpp"
#include "common/claims.hpp"
#include "common/fd_io.hpp"
#include "worker/heartbeat.hpp"
#include "worker/leave.hpp"

namespace jobmill {
namespace {

/// So old a result may become for the sake of others that go with it; and while as many jobs are
/// there still as results wait, so that there is work until the daemon has brought more: the longer
/// the worker has been at it, the less it matters when one of the many comes. Should a job take
/// longer the daemon fetches it from the outbox.
constexpr std::uint64_t old_ns = 100'000;
constexpr std::uint64_t first_oldest_ns = 500'000;
constexpr std::uint64_t oldest_ns = 2'000'000;
constexpr std::uint64_t share_of_busy_time = 4;

}  // namespace

LinkWriter::LinkWriter(int link, SegmentLayout& layout) noexcept
    : link_(link), layout_(layout), outbox_(layout)
{
    // Sending waits in the kernel, but not longer than it may go without a sign of life.
    constexpr timeval patience{0, heartbeat_ms * 1000L};
    (void)::setsockopt(link_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

/// Sends the first bytes, and with them the descriptors; answers how many.
std::size_t LinkWriter::send_first(ByteView bytes, std::span<const int> descriptors)
{
    while (true) {
        const auto sent = send_some(link_, bytes, descriptors);
        if (!sent) {
            leave();
        }
        if (*sent > 0) {
            return *sent;
        }
        pollfd writable{link_, POLLOUT, 0};
        (void)::poll(&writable, 1, heartbeat_ms);
        show_life(layout_);
    }
}

void LinkWriter::await_room_for_blob(std::uint64_t size)
{
    // The socket counts the few bytes of a frame, not what its descriptor holds.
    constexpr std::uint64_t most_under_way = 16U << 20U;
    if (blob_bytes_ > 0 && blob_bytes_ + size > most_under_way) {
        await_empty_link();
        blob_bytes_ = 0;
    }
    blob_bytes_ += size;
}

/// The kernel tells of an empty send queue, but not when it becomes so: it is looked at again and
/// again, a millisecond apart, while a reader is slow.
void LinkWriter::await_empty_link()
{
    for (int queued = 0; ::ioctl(link_, SIOCOUTQ, &queued) == 0 && queued > 0;) {
        pollfd gone{link_, 0, 0};
        if (::poll(&gone, 1, 1) > 0) {
            leave();
        }
        show_life(layout_);
    }
}

void LinkWriter::send_frame()
{
    commit();
    flush();
}

void LinkWriter::send_frame_with(int blob)
{
    // Nothing may be before it: its descriptor goes with its first byte.
    flush();
    commit();
    outbox_.sent(send_first(outbox_.unsent(), std::span{&blob, 1}));
    flush();
}

void LinkWriter::commit()
{
    if (!outbox_.commit(buffer_)) {
        flush();
        const bool fits = outbox_.commit(buffer_);
        JOBMILL_ASSERT(fits);  // everything before it is sent, and the ring takes the largest frame
    }
}

void LinkWriter::send_soon(const JobOutcome& outcome, std::uint64_t now)
{
    buffer_.clear();
    encode(outcome, buffer_);
    commit();
    if (waiting_++ == 0) {
        waits_since_ = now;
    }
    if (std::exchange(was_idle_, false)) {
        busy_since_ = now;
    }
    const bool many_left = is_offered(layout_, Sequence{number(outcome.sequence) + waiting_});
    const std::uint64_t longest =
        many_left ? std::clamp((now - busy_since_) / share_of_busy_time, first_oldest_ns, oldest_ns)
                  : old_ns;
    // The next one will be as old as this when its turn comes to be judged.
    if (now - waits_since_ + outcome.run_ns >= longest) {
        flush();
    }
}

void LinkWriter::flush_before_rest()
{
    was_idle_ = true;
    flush();
}

void LinkWriter::flush()
{
    for (ByteView rest = outbox_.unsent(); !rest.empty(); rest = outbox_.unsent()) {
        outbox_.sent(send_first(rest, {}));
    }
    waiting_ = 0;
}

}  // namespace jobmill
