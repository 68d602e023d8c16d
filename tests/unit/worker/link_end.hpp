// SPDX-License-Identifier: MIT
// The daemon's end of a link to a template or a worker, for tests: blocks, and fails the test when
// what comes is malformed.
#pragma once

#include <deque>
#include <optional>

#include "common/codec.hpp"
#include "common/frame.hpp"
#include "common/unique_fd.hpp"

namespace jobmill::test {

/// A message that was read, with what belongs to it.
template <typename Report>
struct Heard {
    Report report;
    Bytes payload;  ///< a copy; the report's own view is void
    UniqueFd blob;
};

/// The daemon's end of a link.
template <typename Report>
class LinkEnd {
public:
    LinkEnd(UniqueFd socket, Link link) : socket_(std::move(socket)), splitter_(link, to_daemon) {}

    void send(ByteView frame, std::span<const int> descriptors = {});
    /// The next message, or none at the end of the link.
    [[nodiscard]] std::optional<Heard<Report>> hear();
    /// What is left of the stream; counts as received.
    [[nodiscard]] Bytes drain();
    [[nodiscard]] std::uint64_t received() const { return received_; }
    [[nodiscard]] int descriptor() const { return socket_.get(); }
    void close() { socket_.reset(); }

private:
    static constexpr Direction to_daemon = Direction::to_daemon;
    [[nodiscard]] bool read();

    UniqueFd socket_;
    FrameSplitter splitter_;
    std::deque<UniqueFd> descriptors_;
    std::uint64_t received_ = 0;
};

extern template class LinkEnd<TemplateReport>;
extern template class LinkEnd<WorkerReport>;

}  // namespace jobmill::test
