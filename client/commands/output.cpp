// SPDX-License-Identifier: MIT
#include "client/commands/output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/commands/interrupts.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/outlet.hpp"
#include "common/fd_io.hpp"

namespace jobmill::commands {
namespace {

/// One that was closed is /dev/null, too, but cannot be written.
bool same_file(int one, int other)
{
    struct stat first {};
    struct stat second {};
    return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino &&
           (::fcntl(one, F_GETFL) & O_ACCMODE) == (::fcntl(other, F_GETFL) & O_ACCMODE);
}

/// The process has one of each, and so has this.
struct Outlets {
    Outlet out{standard_output};
    Outlet err{standard_error};
    /// Where both are one, as after 2>&1, one keeps the order.
    bool are_one = same_file(standard_output, standard_error);

    Outlet& of(int fd) { return fd == standard_output || are_one ? out : err; }
};

Outlets& outlets()
{
    static Outlets both;
    return both;
}

bool failed_to_write = false;

/// False when the bytes could not be written; says why unless the reader has left, or nobody would
/// hear it.
bool judge(const Result<void>& written, bool say)
{
    if (!written && written.error().code != Errc::closed) {
        failed_to_write = true;
        if (say) {
            notice(written.error().what);
        }
    }
    return written.has_value();
}

pollfd wanted_of(const Outlet& outlet)
{
    return {outlet.fd(), static_cast<short>(outlet.waits() ? POLLOUT : 0), 0};
}

}  // namespace

void hold_closed_descriptors()
{
    const bool closed = ::fcntl(standard_output, F_GETFD) < 0;
    occupy_standard_descriptors();
    const UniqueFd unwritable{closed ? ::open("/dev/null", O_RDONLY | O_CLOEXEC) : -1};
    if (unwritable) {
        (void)::dup2(unwritable.get(), standard_output);
    }
}

bool write_all(int fd, ByteView bytes)
{
    Outlets& both = outlets();
    if (fd != standard_error) {
        return judge(both.out.put(bytes), true) && !both.out.lost_gathered();
    }
    // In the order in which all is said, should somebody read both.
    (void)judge(both.out.flush(), true);
    const bool whole = both.out.between_items();
    const bool written = judge(both.of(fd).put(bytes), false);
    if (whole) {
        both.out.end_item();  // of its own, where both are one
    }
    return both.are_one ? judge(both.out.flush(), false) && written : written;
}

void gather_output()
{
    outlets().out.gather();
}

void end_output_item()
{
    outlets().out.end_item();
}

bool write_gathered()
{
    return judge(outlets().out.flush(), true) && !outlets().out.lost_gathered();
}

std::uint64_t output_size()
{
    return outlets().out.put_size();
}

std::uint64_t written_output_size()
{
    return outlets().out.written_size();
}

bool output_waits()
{
    return outlets().out.waits();
}

bool output_is_full()
{
    return outlets().out.full() || outlets().err.full();
}

std::array<pollfd, 2> wanted_of_output()
{
    const Outlet& err = outlets().err;
    return {wanted_of(outlets().out), err.waits() ? wanted_of(err) : pollfd{-1, 0, 0}};
}

bool write_kept()
{
    (void)outlets().err.write_kept();
    return judge(outlets().out.write_kept(), true);
}

bool finish_output()
{
    if (!write_gathered()) {
        return false;
    }
    while (outlets().out.waits() || outlets().err.waits()) {
        const std::array wanted = wanted_of_output();
        std::array<pollfd, 3> fds{wanted[0], wanted[1], pollfd{interrupt_fd(), POLLIN, 0}};
        (void)::poll(fds.data(), fds.size(), -1);
        if (interrupted() != 0 || !write_kept()) {
            return false;
        }
    }
    return true;
}

bool is_terminal_fd(int fd)
{
    return ::isatty(fd) == 1;
}

bool output_has_failed()
{
    return failed_to_write;
}

bool output_is_gone()
{
    pollfd output{standard_output, 0, 0};
    return ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

}  // namespace jobmill::commands
