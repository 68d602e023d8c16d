// SPDX-License-Identifier: MIT
#include "daemon/log_output.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/utf8.hpp"
#include "daemon/log_line.hpp"

namespace jobmill::log {
namespace {

/// Of one value in the journal, which has room for more than a line has.
constexpr std::size_t longest_value = 4'000;

void append_entry(std::string& to, std::string_view name, std::string_view value)
{
    to += name;
    if (value.find('\n') == std::string_view::npos) {
        to += '=';
    } else {
        // A value of several lines has its size before it, little-endian.
        to += '\n';
        for (unsigned shift = 0; shift < 64; shift += 8) {
            to += static_cast<char>((std::uint64_t{value.size()} >> shift) & 0xffU);
        }
    }
    to += value;
    to += '\n';
}

std::string journal_name(std::string_view name)
{
    std::string capitals = "JOBMILL_";
    std::transform(name.begin(), name.end(), std::back_inserter(capitals), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return capitals;
}

std::string journal_value(const Field::Value& value)
{
    if (const auto* text = std::get_if<std::string_view>(&value)) {
        return to_valid_utf8(utf8_head(*text, longest_value));
    }
    const auto* positive = std::get_if<std::uint64_t>(&value);
    return positive != nullptr ? std::to_string(*positive)
                               : std::to_string(std::get<std::int64_t>(value));
}

}  // namespace

LineOutput::LineOutput(int fd) : shared_(fd)
{
    struct stat file {};
    socket_ = ::fstat(fd, &file) == 0 && S_ISSOCK(file.st_mode);
    if (S_ISREG(file.st_mode)) {
        // What others of us write there, such as a module while it loads, comes after our lines
        // too.
        (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_APPEND);
    }
    if (!socket_) {
        const std::string path = "/proc/self/fd/" + std::to_string(fd);
        own_ =
            UniqueFd{::open(path.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    }
}

std::int64_t LineOutput::write_some(std::string_view bytes) const
{
    if (socket_) {
        return ::send(shared_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (own_) {
        return ::write(own_.get(), bytes.data(), bytes.size());
    }
    // It may not be opened again: the best is to ask first. A pipe that is ready takes so much.
    pollfd ready{.fd = shared_, .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return ::write(shared_, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
}

bool LineOutput::write(std::string_view line)
{
    if (torn_ && write_some("\n") != 1) {
        return false;
    }
    torn_ = false;
    bool begun = false;
    while (!line.empty()) {
        const std::int64_t written = write_some(line);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            torn_ = begun;
            return false;
        }
        begun = true;
        line.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

std::string journal_entry(int priority, EventName event, Fields fields)
{
    std::string entry;
    append_entry(entry, "MESSAGE", text_line(event, fields));
    append_entry(entry, "PRIORITY", std::to_string(priority));
    append_entry(entry, "SYSLOG_IDENTIFIER", "jobmilld");
    append_entry(entry, "JOBMILL_EVENT", event.words());
    for (const Field& field : fields) {
        if (!field.absent()) {
            append_entry(entry, journal_name(field.name()), journal_value(field.value()));
        }
    }
    return entry;
}

bool means_journal(std::string_view journal_stream, const struct stat& file)
{
    return journal_stream == std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
}

Result<JournalOutput> JournalOutput::open(std::string path)
{
    if (path.size() >= sizeof sockaddr_un{}.sun_path) {
        return fail(Errc::invalid, "the journal's socket " + path + ": too long a path");
    }
    struct stat file {};
    if (::stat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) {
        return fail(Errc::invalid, "there is no journal at " + path);
    }
    UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) {
        return fail_errno("socket for the journal", errno);
    }
    return JournalOutput{std::move(socket), std::move(path)};
}

bool JournalOutput::write(std::string_view entry) const
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    return ::sendto(socket_.get(), entry.data(), entry.size(), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&address),
                    sizeof address) == static_cast<ssize_t>(entry.size());
}

}  // namespace jobmill::log
