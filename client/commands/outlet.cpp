// SPDX-License-Identifier: MIT
#include "client/commands/outlet.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <limits>
#include <string>
#include <utility>

namespace jobmill::commands {
namespace {

constexpr std::size_t most_gathered = std::size_t{64} * 1024;
constexpr std::uint64_t most_kept = std::uint64_t{256} * 1024 * 1024;

}  // namespace

Outlet::Outlet(int fd) : fd_(fd)
{
    struct stat status {};
    if (::fstat(fd, &status) != 0) {
        return;
    }
    is_file_ = S_ISREG(status.st_mode);
    never_waits_ = is_file_;
    if (S_ISFIFO(status.st_mode) || ::isatty(fd) == 1) {
        // O_NONBLOCK on the descriptor itself would be the shell's and its other children's too.
        // Other devices may do something when they are opened or closed: tapes rewind.
        const std::string path = "/proc/self/fd/" + std::to_string(fd);
        own_.reset(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
        never_waits_ = static_cast<bool>(own_);
    }
}

bool Outlet::full() const noexcept
{
    return waits() && (disk_full_ || kept_.size() >= most_kept);
}

/// Bytes that can be written now without waiting.
std::size_t Outlet::room() const
{
    if (never_waits_) {
        return std::numeric_limits<std::size_t>::max();
    }
    pollfd writable{fd_, POLLOUT, 0};
    return ::poll(&writable, 1, 0) == 1 ? PIPE_BUF : 0;
}

/// 0: nothing goes just now.
Result<std::size_t> Outlet::write_some(ByteView bytes)
{
    const std::size_t size = std::min(bytes.size(), room());
    while (size > 0) {
        const ssize_t done = ::write(own_ ? own_.get() : fd_, bytes.data(), size);
        if (done >= 0) {
            count_written(static_cast<std::size_t>(done));
            return static_cast<std::size_t>(done);
        }
        if (errno == EAGAIN) {
            break;
        }
        if (errno != EINTR) {
            return errno == EPIPE ? fail(Errc::closed, "nobody reads the output")
                                  : fail_errno("writing the output", errno);
        }
    }
    return 0;
}

void Outlet::end_item()
{
    const std::uint64_t end = put_ - lost_;
    if (written_ == end) {
        whole_ = end;
    } else if (ends_.empty() || ends_.back() != end) {
        ends_.push_back(end);
    }
}

bool Outlet::between_items() const noexcept
{
    return put_ - lost_ == (ends_.empty() ? whole_ : ends_.back());
}

void Outlet::count_written(std::size_t size)
{
    written_ += size;
    for (; !ends_.empty() && ends_.front() <= written_; ends_.pop_front()) {
        whole_ = ends_.front();
    }
    if (is_file_ && gathers_) {
        const off_t place = ::lseek(fd_, 0, SEEK_CUR);
        const auto begin = place - static_cast<off_t>(size);
        ours_ = begin == place_ ? ours_ : begin;
        place_ = place;
    }
}

/// The last bytes that were written, if they are the last of the file and ours alone.
bool Outlet::take_back(std::uint64_t size)
{
    const off_t begin = place_ - static_cast<off_t>(size);
    struct stat status {};
    // The place, too: others who write there next would leave a hole.
    return is_file_ && begin >= ours_ && ::fstat(fd_, &status) == 0 && status.st_size == place_ &&
           ::lseek(fd_, 0, SEEK_CUR) == place_ && ::ftruncate(fd_, begin) == 0 &&
           ::lseek(fd_, begin, SEEK_SET) == begin;
}

tl::unexpected<Error> Outlet::lose(Error error)
{
    gathered_.clear();
    kept_ = Spool{file_size};
    if (gathers_ && written_ > whole_ && error.code != Errc::closed &&
        !take_back(written_ - whole_)) {
        error.what += "; it ends in the midst of an item";
    }
    lost_at_ = lost_at_.value_or(written_);
    // What comes now are other items: words about this, should they go the same way.
    lost_ = put_ - written_;
    whole_ = written_;
    ends_.clear();
    return tl::unexpected<Error>(std::move(error));
}

Result<void> Outlet::put(ByteView bytes)
{
    put_ += bytes.size();
    if (gathered_.size() + bytes.size() > most_gathered) {
        JOBMILL_TRY(flush());
    }
    if (gathers_ && !waits() && bytes.size() <= most_gathered) {
        append(gathered_, bytes);
        return {};
    }
    return write_or_keep(bytes);
}

Result<void> Outlet::flush()
{
    JOBMILL_TRY(write_or_keep(gathered_));
    gathered_.clear();
    return {};
}

Result<void> Outlet::write_or_keep(ByteView bytes)
{
    while (!waits() && !bytes.empty()) {
        const Result<std::size_t> size = write_some(bytes);
        if (!size) {
            return lose(size.error());
        }
        if (*size == 0) {
            break;
        }
        bytes = bytes.subspan(*size);
    }
    if (bytes.empty()) {
        return {};
    }
    // What the disk has no room for stays in memory; full() sees to it that it does not grow.
    disk_full_ = !kept_.add(bytes);
    return {};
}

Result<void> Outlet::write_kept()
{
    while (waits()) {
        const Result<ByteView> bytes = kept_.front();
        const Result<std::size_t> size =
            bytes ? write_some(*bytes) : tl::unexpected<Error>(bytes.error());
        if (!size) {
            return lose(size.error());
        }
        if (*size == 0) {
            break;
        }
        kept_.remove(*size);
    }
    return {};
}

}  // namespace jobmill::commands
