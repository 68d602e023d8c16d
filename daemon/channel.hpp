// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "common/unique_fd.hpp"
#include "daemon/loop/fd_watcher.hpp"
#include "daemon/loop/timer.hpp"
#include "jobmill/bytes.hpp"

namespace jobmill::daemon {

class Channel;

/// The channels that have something to send; flushed once a turn, so that all frames of a turn go
/// out in one system call each.
class FlushList {
public:
    void add(Channel& channel) { dirty_.push_back(&channel); }
    void remove(Channel& channel);
    /// One pass. What becomes dirty meanwhile has its turn next: a reader of a large payload must
    /// not keep the loop from everybody else.
    void flush();
    [[nodiscard]] bool empty() const noexcept { return dirty_.empty(); }

private:
    std::vector<Channel*> dirty_;
    std::vector<Channel*> flushing_;
};

/// A stream socket on the loop, for sessions and for links alike: bytes and descriptors in as they
/// come, bytes and descriptors out once a turn. Knows nothing of what they mean. Not to be
/// destroyed from within its own callbacks.
class Channel {
public:
    struct Callbacks {
        /// Bytes came; they are borrowed for the call. Descriptors are in received_fds().
        std::function<void(ByteView)> on_bytes;
        /// The peer will send no more, but may still read.
        std::function<void()> on_end;
        /// Nothing can be sent or received any more. Called once, from the loop only, never from
        /// within a call of the owner.
        std::function<void(const Error&)> on_broken;
        /// What was to be sent is sent, or nearly: more may be appended.
        std::function<void()> on_drained;
        /// The peer takes no more now; what waits goes when it does.
        std::function<void()> on_full;
    };

    [[nodiscard]] static Result<std::unique_ptr<Channel>> create(loop::EventLoop& loop,
                                                                 FlushList& flush_list,
                                                                 UniqueFd socket);
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel();

    /// Begins to read.
    void start(Callbacks callbacks);

    /// Where to append what is to be sent; it goes out at the end of the turn.
    [[nodiscard]] Bytes& out();
    /// The frame appended last is accompanied by these; it began at `frame_start` of out().
    void attach(std::size_t frame_start, std::vector<UniqueFd> fds);
    /// Bytes that the peer has not taken yet.
    [[nodiscard]] std::size_t unsent() const noexcept { return out_.size() - sent_; }
    /// Bytes that the peer's side has taken since the beginning.
    [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }
    /// What lies in the socket, in bytes of the kernel's memory. Falls as the peer reads, but in
    /// steps: the kernel frees some 36 KiB of it at a time.
    [[nodiscard]] std::size_t in_socket() const noexcept;
    /// Sends what the socket takes now.
    void flush();

    void pause_reading();
    void resume_reading();
    /// The peer reads end of input after what was sent.
    void end_output();

    /// What the loop would do next, if there is something to read, and if the socket takes
    /// something: for who judges by its clock, since timers come first in a turn. After a pause of
    /// the daemon that is long ago.
    void read_now();
    void write_now();

    /// Reads what has arrived by now, whatever the state; for the end of a worker. What comes
    /// meanwhile is somebody else's, who may have its end and go on for ever.
    void read_rest();

    [[nodiscard]] std::deque<UniqueFd>& received_fds() noexcept { return received_fds_; }
    [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
    [[nodiscard]] int socket() const noexcept { return socket_.get(); }

private:
    struct Attachment {
        std::size_t offset;
        std::vector<UniqueFd> fds;
    };

    Channel(loop::EventLoop& loop, FlushList& flush_list, UniqueFd socket)
        : loop_(loop), flush_list_(flush_list), socket_(std::move(socket))
    {
    }
    void on_ready(unsigned ready);
    void read_once();
    void check_hang_up();
    void break_off(const Error& error);
    void watch();
    void forget_sent();
    void try_later();
    [[nodiscard]] std::size_t next_part(std::vector<int>& fds) const;

    loop::EventLoop& loop_;
    FlushList& flush_list_;
    UniqueFd socket_;
    std::unique_ptr<loop::FdWatcher> watcher_;
    Callbacks callbacks_;
    Bytes out_;
    std::size_t sent_ = 0;
    std::deque<Attachment> attachments_;
    std::deque<UniqueFd> received_fds_;
    std::uint64_t received_ = 0;
    std::uint64_t taken_ = 0;
    bool dirty_ = false;
    bool paused_ = false;
    bool ended_ = false;  ///< the peer's end of input was read
    bool broken_ = false;
    bool blocked_ = false;                ///< the socket is full, or sending fails for now
    std::unique_ptr<loop::Timer> retry_;  ///< runs while sending fails
};

}  // namespace jobmill::daemon
