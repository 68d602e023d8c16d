// SPDX-License-Identifier: MIT
#include "worker/link_writer.hpp"

#include <poll.h>

#include "common/assert.hpp"
#include "common/fd_io.hpp"
#include "worker/leave.hpp"

namespace jobmill {
namespace {

/// Sends the first bytes, and with them the descriptors; answers how many.
std::size_t send_first(int link, ByteView bytes, std::span<const int> descriptors)
{
    while (true) {
        const auto sent = send_some(link, bytes, descriptors);
        if (!sent) {
            leave();
        }
        if (*sent > 0) {
            return *sent;
        }
        pollfd writable{link, POLLOUT, 0};
        (void)::poll(&writable, 1, -1);
    }
}

}  // namespace

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
    outbox_.sent(send_first(link_, outbox_.unsent(), std::span{&blob, 1}));
    flush();
}

void LinkWriter::commit()
{
    const bool fits = outbox_.commit(buffer_);
    JOBMILL_ASSERT(fits);  // everything before it is sent, and the ring takes the largest frame
}

void LinkWriter::flush()
{
    for (ByteView rest = outbox_.unsent(); !rest.empty(); rest = outbox_.unsent()) {
        outbox_.sent(send_first(link_, rest, {}));
    }
}

}  // namespace jobmill
