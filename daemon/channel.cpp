// SPDX-License-Identifier: MIT
#include "daemon/channel.hpp"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "common/fd_io.hpp"

namespace jobmill::daemon {
namespace {

/// One buffer for all channels: the daemon has one thread, and what is read is taken at once.
std::span<std::byte> read_buffer()
{
    static constexpr std::size_t size = std::size_t{256} * 1024;
    static const auto buffer = std::make_unique<std::array<std::byte, size>>();
    return *buffer;
}

/// Buffers that grew beyond this are given back when they are empty.
constexpr std::size_t kept_capacity = std::size_t{256} * 1024;

/// on_drained is called below this many unsent bytes.
constexpr std::size_t nearly_drained = std::size_t{64} * 1024;

}  // namespace

void FlushList::remove(Channel& channel)
{
    std::erase(dirty_, &channel);
    std::replace(flushing_.begin(), flushing_.end(), &channel, static_cast<Channel*>(nullptr));
}

void FlushList::flush()
{
    flushing_.swap(dirty_);
    for (std::size_t i = 0; i < flushing_.size(); ++i) {
        if (Channel* channel = flushing_[i]) {
            channel->flush();
        }
    }
    flushing_.clear();
}

Result<std::unique_ptr<Channel>> Channel::create(loop::EventLoop& loop, FlushList& flush_list,
                                                 UniqueFd socket)
{
    JOBMILL_TRY(set_nonblocking(socket.get()));
    std::unique_ptr<Channel> channel{new Channel{loop, flush_list, std::move(socket)}};
    JOBMILL_TRY_ASSIGN(auto watcher, loop::FdWatcher::create(loop, channel->socket_.get(),
                                                             [raw = channel.get()](unsigned ready) {
                                                                 raw->on_ready(ready);
                                                             }));
    channel->watcher_ = std::make_unique<loop::FdWatcher>(std::move(watcher));
    return channel;
}

Channel::~Channel()
{
    flush_list_.remove(*this);
}

void Channel::start(Callbacks callbacks)
{
    callbacks_ = std::move(callbacks);
    watch();
}

Bytes& Channel::out()
{
    if (!dirty_) {
        dirty_ = true;
        flush_list_.add(*this);
    }
    return out_;
}

void Channel::attach(std::size_t frame_start, std::vector<UniqueFd> fds)
{
    attachments_.push_back({frame_start, std::move(fds)});
}

/// Where the bytes end that may go next, and the descriptors that go with them.
std::size_t Channel::next_part(std::vector<int>& fds) const
{
    if (attachments_.empty()) {
        return out_.size();
    }
    // A frame's descriptors go with its first byte, so bytes before it go first.
    if (attachments_.front().offset > sent_) {
        return attachments_.front().offset;
    }
    for (const UniqueFd& fd : attachments_.front().fds) {
        fds.push_back(fd.get());
    }
    return attachments_.size() > 1 ? attachments_[1].offset : out_.size();
}

void Channel::flush()
{
    dirty_ = false;
    while (!broken_ && !blocked_ && sent_ < out_.size()) {
        std::vector<int> fds;
        const std::size_t end = next_part(fds);
        const auto sent = send_some(socket_.get(), ByteView{out_}.subspan(sent_, end - sent_), fds);
        if (!sent && sent.error().code != Errc::closed) {
            try_later();
        } else if (!sent || *sent == 0) {
            // A peer that is gone is met again, and reported, when the loop finds it writable.
            blocked_ = true;
        } else {
            sent_ += *sent;
            taken_ += *sent;
            if (!fds.empty()) {
                attachments_.pop_front();
            }
        }
    }
    forget_sent();
    watch();
    if (blocked_ && !broken_ && callbacks_.on_full) {
        callbacks_.on_full();
    }
    if (!broken_ && unsent() < nearly_drained && callbacks_.on_drained) {
        callbacks_.on_drained();
    }
}

/// Of its user's processes too many descriptors are under way, say, or memory is short: the socket
/// is writable all the while, so nobody would tell when that is over.
void Channel::try_later()
{
    constexpr std::chrono::milliseconds pause{10};
    blocked_ = true;
    if (!retry_) {
        if (auto made = loop::Timer::create(loop_, [this] {
                blocked_ = false;
                flush();
            })) {
            retry_ = std::make_unique<loop::Timer>(std::move(*made));
        }
    }
    if (retry_) {
        retry_->start_once(pause);
    }
}

void Channel::forget_sent()
{
    if (sent_ < out_.size()) {
        // Keep the front from growing without bound under a reader that is always a bit behind.
        if (sent_ > kept_capacity && sent_ > out_.size() / 2) {
            out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(sent_));
            for (Attachment& attachment : attachments_) {
                attachment.offset -= sent_;
            }
            sent_ = 0;
        }
        return;
    }
    sent_ = 0;
    out_.clear();
    if (out_.capacity() > kept_capacity) {
        out_.shrink_to_fit();
    }
}

std::size_t Channel::in_socket() const noexcept
{
    int bytes = 0;
    return ::ioctl(socket_.get(), SIOCOUTQ, &bytes) == 0 ? static_cast<std::size_t>(bytes) : 0;
}

void Channel::pause_reading()
{
    paused_ = true;
    watch();
}

void Channel::resume_reading()
{
    paused_ = false;
    watch();
}

void Channel::end_output()
{
    (void)::shutdown(socket_.get(), SHUT_WR);
}

void Channel::watch()
{
    if (broken_) {
        watcher_->watch(0);
        return;
    }
    unsigned events = paused_ || ended_ ? loop::FdWatcher::hang_up : loop::FdWatcher::readable;
    if (blocked_ && (!retry_ || !retry_->active())) {
        events |= loop::FdWatcher::writable;
    }
    watcher_->watch(events);
}

void Channel::on_ready(unsigned ready)
{
    if ((ready & loop::FdWatcher::hang_up) != 0) {
        check_hang_up();
    }
    if ((ready & loop::FdWatcher::readable) != 0 && !paused_ && !ended_) {
        read_once();
    }
    if ((ready & loop::FdWatcher::writable) != 0 && !broken_) {
        blocked_ = false;
        // Sends nothing, but tells whether the peer is still there.
        if (const auto probe = send_some(socket_.get(), {}); !probe) {
            break_off(probe.error());
        } else {
            flush();
        }
    }
    watch();
}

void Channel::read_once()
{
    const auto received = receive_some(socket_.get(), read_buffer(), received_fds_);
    if (!received) {
        break_off(received.error());
    } else if (received->end) {
        ended_ = true;
        check_hang_up();
        if (!broken_ && callbacks_.on_end) {
            callbacks_.on_end();
        }
    } else if (!received->would_block) {
        received_ += received->size;
        callbacks_.on_bytes(read_buffer().first(received->size));
    }
}

void Channel::read_now()
{
    if (!broken_ && !paused_ && !ended_) {
        read_once();
        watch();
    }
}

void Channel::write_now()
{
    if (!retry_ || !retry_->active()) {
        blocked_ = false;
        flush();
    }
}

void Channel::read_rest()
{
    int arrived = 0;
    if (::ioctl(socket_.get(), SIOCINQ, &arrived) != 0) {
        return;
    }
    const std::uint64_t end = received_ + static_cast<std::uint64_t>(arrived);
    while (!ended_ && received_ < end) {
        const auto received = receive_some(socket_.get(), read_buffer(), received_fds_);
        if (!received || received->would_block) {
            return;
        }
        ended_ = received->end;
        if (!ended_) {
            received_ += received->size;
            callbacks_.on_bytes(read_buffer().first(received->size));
        }
    }
}

void Channel::check_hang_up()
{
    pollfd state{socket_.get(), 0, 0};
    if (::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0) {
        break_off(Error{Errc::closed, "the peer is gone"});
    }
}

void Channel::break_off(const Error& error)
{
    if (broken_) {
        return;
    }
    broken_ = true;
    retry_.reset();
    watcher_->watch(0);
    if (callbacks_.on_broken) {
        callbacks_.on_broken(error);
    }
}

}  // namespace jobmill::daemon
