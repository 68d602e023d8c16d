// SPDX-License-Identifier: MIT
#include "worker/handlers/file_range.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "worker/handlers/known_arguments.hpp"
#include "worker/mount_hint.hpp"

namespace jobmill::handlers {
namespace {

bool paths_allowed = false;

constexpr std::size_t usual_buffer = 1U << 20U;
/// An item that is longer has no end that we would wait for.
constexpr std::size_t largest_buffer = 64U << 20U;

std::uint64_t not_negative(std::int64_t value, const std::string& who, const char* name)
{
    if (value < 0) {
        throw Failure{who + ": argument \"" + name + "\" is negative"};
    }
    return static_cast<std::uint64_t>(value);
}

std::string reason(int error_number)
{
    return std::generic_category().message(error_number);
}

/// Who typed "notes.txt" meant his own directory, which nobody has told us.
std::string relative_hint(const std::string& path)
{
    if (path.starts_with('/')) {
        return {};
    }
    std::error_code unknown;
    const std::string here = std::filesystem::current_path(unknown).string();
    return unknown ? "" : " (looked for in " + here + ": no absolute path)";
}

}  // namespace

void FileRange::allow_paths() noexcept
{
    paths_allowed = true;
}

bool FileRange::is_named(const Job& job, const std::string& who)
{
    require_known(job, who, {"path", "offset", "length"});
    const bool is_named = job.optional_text("path").has_value();
    for (const char* name : {"offset", "length"}) {
        if (!is_named && job.optional_integer(name)) {
            throw Failure{who + ": argument \"" + name + "\" without \"path\""};
        }
    }
    return is_named;
}

FileRange::FileRange(const Job& job, std::string who, Ends ends)
    : who_(std::move(who)), path_(job.text("path")), ends_(ends)
{
    if (!paths_allowed) {
        throw Failure{who_ + ": argument \"path\" is off in this pool: the file would be opened " +
                      "with the rights of the daemon's user (uid " + std::to_string(::geteuid()) +
                      "), not with yours; send its bytes as the payload"};
    }
    const std::uint64_t offset = not_negative(job.integer("offset", 0), who_, "offset");
    const std::uint64_t length = not_negative(job.integer("length", INT64_MAX), who_, "length");
    open();
    first_ = cut(std::min(offset, file_size_));
    last_ = cut(std::min(offset + length, file_size_));
    next_ = first_;
    buffer_.resize(std::min<std::uint64_t>(usual_buffer, size()));
}

void FileRange::fail(const std::string& text) const
{
    throw Failure{who_ + ": " + path_ + ": " + text};
}

void FileRange::open()
{
    file_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!file_ || ::fstat(file_.get(), &status) != 0) {
        const int error_number = errno;
        fail(reason(error_number) + mount_hint(path_, error_number) + relative_hint(path_));
    }
    if (!S_ISREG(status.st_mode)) {
        fail("not a regular file");
    }
    file_size_ = static_cast<std::uint64_t>(status.st_size);
    (void)::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
}

std::size_t FileRange::read(char* to, std::size_t size, std::uint64_t offset) const
{
    while (true) {
        const ssize_t got = ::pread(file_.get(), to, size, static_cast<off_t>(offset));
        if (got > 0) {
            return static_cast<std::size_t>(got);
        }
        if (got == 0) {
            fail("was cut short while it was read");
        }
        if (errno != EINTR) {
            fail(reason(errno));
        }
    }
}

std::uint64_t FileRange::cut(std::uint64_t position) const
{
    if (position == 0) {
        return 0;
    }
    std::array<char, 4096> part{};
    std::uint64_t at = position - 1;
    while (at < file_size_) {
        const std::size_t got =
            read(part.data(), std::min<std::uint64_t>(part.size(), file_size_ - at), at);
        const std::string_view bytes{part.data(), got};
        const auto* const found = std::find_if(bytes.begin(), bytes.end(), ends_);
        if (found != bytes.end()) {
            return at + static_cast<std::uint64_t>(found - bytes.begin()) + 1;
        }
        at += got;
    }
    return file_size_;
}

std::size_t FileRange::last_end(std::size_t size) const noexcept
{
    while (size > 0 && !ends_(buffer_[size - 1])) {
        --size;
    }
    return size;
}

void FileRange::fill()
{
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (end_ == buffer_.size()) {
        if (buffer_.size() >= largest_buffer) {
            fail("more than 64 MiB without the end of a line or word at byte " +
                 std::to_string(next_ - end_));
        }
        buffer_.resize(2 * buffer_.size());
    }
    while (end_ < buffer_.size() && next_ < last_) {
        const std::uint64_t room = std::min<std::uint64_t>(buffer_.size() - end_, last_ - next_);
        const std::size_t got = read(buffer_.data() + end_, room, next_);
        end_ += got;
        next_ += got;
    }
}

std::optional<std::string_view> FileRange::next()
{
    while (begin_ < end_ || next_ < last_) {
        fill();
        const std::size_t whole = next_ == last_ ? end_ : last_end(end_);
        if (whole > 0) {
            begin_ = whole;
            block_offset_ = next_ - end_;
            return std::string_view{buffer_.data(), whole};
        }
    }
    return {};
}

}  // namespace jobmill::handlers
