// SPDX-License-Identifier: MIT
#include "worker/link_writer.hpp"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "common/assert.hpp"
#include "common/claims.hpp"
#include "common/fd_io.hpp"
#include "worker/heartbeat.hpp"
#include "worker/leave.hpp"

namespace jobmill {
namespace {

/// So old a result may become for the sake of others that go with it. Should a job take longer the
/// daemon fetches it from the outbox.
constexpr std::uint64_t old_ns = 100'000;
/// While as many jobs are there still as results wait, so that there is work until the daemon has
/// brought more, results wait for the next tick of a clock that all workers have: the daemon, and
/// the client, wake once for all of them. The longer the worker has been at it, the less it matters
/// when one of the many comes, and the fewer the ticks. Powers of two, so that the ticks of those
/// who have few are ticks of the others, too.
constexpr std::uint64_t shortest_tick_ns = std::uint64_t{1} << 19U;
constexpr std::uint64_t longest_tick_ns = std::uint64_t{1} << 21U;
constexpr std::uint64_t share_of_busy_time = 4;

/// Whether results go out at `now`, of which the first waits since `first`, when jobs take `run_ns`
/// and the worker is at it for `busy_ns`. They go with the first job to end after the tick, not
/// with the last before it: whoever is woken by another's takes them then, and what ends soon after
/// has the next tick. Not past its length, nor if jobs take so long that the tick says little, and
/// the daemon would come before.
bool tick_is_over(std::uint64_t first, std::uint64_t now, std::uint64_t run_ns,
                  std::uint64_t busy_ns)
{
    const std::uint64_t tick =
        std::bit_floor(std::clamp(busy_ns / share_of_busy_time, shortest_tick_ns, longest_tick_ns));
    const std::uint64_t next = (first / tick + 1) * tick;
    if (run_ns > tick / 5 * 2) {
        return now + run_ns >= next;
    }
    return now >= next || now + run_ns >= first + tick;
}

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
    if (outbox_.all_taken()) {
        waiting_ = 0;
    }
    commit();
    if (waiting_++ == 0) {
        waits_since_ = now;
    }
    if (std::exchange(was_idle_, false)) {
        busy_since_ = now;
    }
    const bool many_left = is_offered(layout_, Sequence{number(outcome.sequence) + waiting_});
    // The next one will be as old as this when its turn comes to be judged.
    if (many_left ? tick_is_over(waits_since_, now, outcome.run_ns, now - busy_since_)
                  : now + outcome.run_ns >= waits_since_ + old_ns) {
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
