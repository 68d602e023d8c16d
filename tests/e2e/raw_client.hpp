// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "common/unique_fd.hpp"
#include "jobmill/bytes.hpp"

namespace jobmill::tests {

/// Bytes to and from the daemon's socket, each with a deadline; what it does not get in time, or
/// cannot send, is thrown. Knows neither spelling.
class RawClient {
public:
    explicit RawClient(const std::string& socket_path);

    void send(ByteView bytes, std::span<const int> fds = {});
    void send(std::string_view bytes) { send(bytes_of(bytes)); }
    /// As send(), while what comes meanwhile is taken in, so that nobody waits for the other.
    void send_while_reading(ByteView bytes);
    /// Appends what has come to what is unread, waiting for at least a byte. False: end of input.
    bool read_some();
    /// True when something came or the end did before that time.
    [[nodiscard]] bool readable_within(std::chrono::milliseconds time) const;

    /// Bytes that came and were not taken.
    [[nodiscard]] Bytes& unread() noexcept { return unread_; }
    /// Until the daemon closes, taking everything in.
    void await_end();
    void end_output() const;
    void close() { socket_.reset(); }
    [[nodiscard]] int socket() const noexcept { return socket_.get(); }

private:
    void await(short events) const;

    UniqueFd socket_;
    Bytes unread_;
};

}  // namespace jobmill::tests
