// SPDX-License-Identifier: MIT
#include "client/commands/payload.hpp"

#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "client/commands/interrupts.hpp"

namespace jobmill::commands {
namespace {

constexpr std::size_t read_size = std::size_t{64} * 1024;

tl::unexpected<Error> too_large(std::uint64_t most)
{
    return fail(Errc::invalid,
                "the payload on standard input is larger than the daemon's limit of " +
                    std::to_string(most) + " bytes");
}

/// Until there is something to read, or an end. What an interrupt cuts short is not the input: who
/// writes it has had the same signal, and its end may be seen first.
Result<void> wait_for_input(int fd)
{
    std::array<pollfd, 2> fds{pollfd{fd, POLLIN, 0}, pollfd{interrupt_fd(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) {
        return fail_errno("poll", errno);
    }
    return interrupted() == 0 ? Result<void>{} : fail(Errc::closed, "interrupted");
}

Result<Bytes> read_to_end(int fd, std::uint64_t most)
{
    Bytes bytes;
    while (true) {
        JOBMILL_TRY(wait_for_input(fd));
        const std::size_t before = bytes.size();
        bytes.resize(before + read_size);
        const ssize_t size = ::read(fd, bytes.data() + before, read_size);
        if (size < 0 && errno == EINTR) {
            bytes.resize(before);
            continue;
        }
        if (size < 0) {
            return fail_errno("reading standard input", errno);
        }
        bytes.resize(before + static_cast<std::size_t>(size));
        if (bytes.size() > most) {
            return too_large(most);
        }
        if (size == 0 && interrupted() == 0) {
            return bytes;
        }
    }
}

}  // namespace

Payload::Payload(Payload&& other) noexcept
    : bytes_(std::move(other.bytes_)),
      mapped_(std::exchange(other.mapped_, {})),
      visible_(std::exchange(other.visible_, {}))
{
}

Payload& Payload::operator=(Payload&& other) noexcept
{
    std::swap(bytes_, other.bytes_);
    std::swap(mapped_, other.mapped_);
    std::swap(visible_, other.visible_);
    return *this;
}

Payload::~Payload()
{
    if (!mapped_.empty()) {
        (void)::munmap(const_cast<std::byte*>(mapped_.data()), mapped_.size());
    }
}

ByteView Payload::view() const noexcept
{
    return mapped_.empty() ? ByteView{bytes_} : visible_;
}

Result<Payload> Payload::from(int fd, std::uint64_t most)
{
    struct stat status {};
    if (::fstat(fd, &status) != 0) {
        return fail_errno("standard input", errno);
    }
    const off_t position = S_ISREG(status.st_mode) ? ::lseek(fd, 0, SEEK_CUR) : -1;
    if (position < 0 || status.st_size <= position) {
        return read_to_end(fd, most).map([](Bytes bytes) { return Payload{std::move(bytes)}; });
    }
    const auto skipped = static_cast<std::size_t>(position);
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size - skipped > most) {
        return too_large(most);
    }
    void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (start == MAP_FAILED) {
        return fail_errno("mapping standard input", errno);
    }
    (void)::lseek(fd, 0, SEEK_END);
    Payload payload;
    payload.mapped_ = ByteView{static_cast<const std::byte*>(start), size};
    payload.visible_ = payload.mapped_.subspan(skipped);
    return payload;
}

}  // namespace jobmill::commands
