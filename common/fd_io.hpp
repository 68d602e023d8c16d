// SPDX-License-Identifier: MIT
// Bytes and descriptors over a Unix stream socket. Descriptors accompany the first bytes of their
// own sendmsg; a receiver queues them in order, and a frame's header says how many are its own.
#pragma once

#include <deque>

#include "common/unique_fd.hpp"
#include "jobmill/bytes.hpp"
#include "jobmill/result.hpp"

namespace jobmill {

/// Bytes sent; 0 when a non-blocking socket is full. Never raises SIGPIPE.
[[nodiscard]] Result<std::size_t> send_some(int socket, ByteView bytes,
                                            std::span<const int> fds = {});

/// All of it, waiting as long as it takes. The socket may be blocking or not.
[[nodiscard]] Result<void> send_all(int socket, ByteView bytes, std::span<const int> fds = {});

struct Received {
    std::size_t size = 0;
    bool would_block = false;
    bool end = false;  ///< the peer will send no more
};

/// Reads into `to`; descriptors that came along are appended to `fds`, close-on-exec.
/// Errc::exhausted when some could not be received for want of descriptors.
[[nodiscard]] Result<Received> receive_some(int socket, std::span<std::byte> to,
                                            std::deque<UniqueFd>& fds);

/// A pair of connected stream sockets, close-on-exec. Both block.
struct SocketPair {
    UniqueFd ours;
    UniqueFd theirs;
};
[[nodiscard]] Result<SocketPair> make_socket_pair();

[[nodiscard]] Result<void> set_nonblocking(int fd);

/// Puts /dev/null where standard input, output or error is closed, so that nothing that is opened
/// later is taken for one of them.
void occupy_standard_descriptors();

}  // namespace jobmill
