// SPDX-License-Identifier: MIT
#include "daemon/job_ids.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <limits>
#include <string_view>

#include "common/unique_fd.hpp"
#include "daemon/log.hpp"

namespace jobmill::daemon {
namespace {

/// Blocks grow while jobs come fast, so that writing the file never matters.
constexpr std::uint64_t largest_block = 1U << 20U;
/// What the protocol can say of a job's number; a block that begins here does not go beyond it.
constexpr std::uint64_t greatest_next =
    std::uint64_t{std::numeric_limits<std::int64_t>::max()} - largest_block;
constexpr auto may_come_again = "job numbers may be given again";
/// A millisecond apart.
constexpr int lock_tries = 50;

/// "Exhausted" of all that one who waits, or makes room, may find gone: a full disk, a quota, a
/// file system that an error has made read-only.
tl::unexpected<Error> fail_writing(const std::string& doing, int error_number)
{
    auto failure = fail_errno(doing, error_number);
    if (error_number == EDQUOT || error_number == EROFS) {
        failure.value().code = Errc::exhausted;
    }
    return failure;
}

Result<void> make_directories(const std::string& directory)
{
    for (std::size_t end = directory.find('/', 1);; end = directory.find('/', end + 1)) {
        const std::string part = directory.substr(0, end);
        if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
            return fail_writing("making the state directory " + part, errno);
        }
        if (end == std::string::npos) {
            return {};
        }
    }
}

/// A name that was changed in it is there after a power failure, too.
Result<void> sync_directory(const std::string& directory)
{
    const UniqueFd opened{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    // Some file systems know nothing of that.
    if (!opened || (::fsync(opened.get()) != 0 && errno != EINVAL)) {
        return fail_writing("writing " + directory, errno);
    }
    return {};
}

/// Only a file that is not there is a beginning; one that was emptied or cannot be read is not.
Result<std::uint64_t> read_next(const std::string& file)
{
    // As the configuration: what is in the way of the file must not stop the loop.
    const UniqueFd opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!opened && errno == ENOENT) {
        return 1;
    }
    struct stat status {};
    if (!opened || ::fstat(opened.get(), &status) != 0) {
        return fail_errno("reading " + file, errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return fail(Errc::invalid, file + " is no regular file");
    }
    std::array<char, 32> buffer{};  // more than any number has
    const ssize_t size = ::read(opened.get(), buffer.data(), buffer.size());
    if (size < 0) {
        return fail_errno("reading " + file, errno);
    }
    std::string_view text{buffer.data(), static_cast<std::size_t>(size)};
    text = text.substr(0, text.find('\n'));
    std::uint64_t next = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), next);
    if (error != std::errc{} || end != text.data() + text.size() || next == 0 ||
        next > greatest_next) {
        return fail(Errc::invalid, file + " does not hold a job number");
    }
    return next;
}

}  // namespace

Result<JobIds> JobIds::open(const std::string& directory)
{
    JobIds ids{directory + "/next-job", 1};
    auto first = ids.begin(directory);
    if (!first && first.error().code == Errc::exhausted) {
        // As when it happens while the daemon runs.
        log::warning(may_come_again, {{"cause", first.error().what}}, log::always);
        first = read_next(ids.file_);
    }
    JOBMILL_TRY_ASSIGN(ids.next_, std::move(first));
    ids.end_ = ids.next_;
    return ids;
}

/// Shows early whether the directory can be written.
Result<std::uint64_t> JobIds::begin(const std::string& directory) const
{
    JOBMILL_TRY(make_directories(directory));
    return reserve(0);
}

/// Held for a moment by whoever changes the file; never waited for longer than such moments take.
Result<UniqueFd> JobIds::lock() const
{
    const std::string path = file_ + ".lock";
    UniqueFd lock{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!lock) {
        return fail_writing("lock file " + path, errno);
    }
    for (int i = 0; ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++i) {
        if (errno != EWOULDBLOCK || i == lock_tries) {
            return fail_errno("locking " + path, errno);
        }
        (void)::poll(nullptr, 0, 1);
    }
    return lock;
}

Result<std::uint64_t> JobIds::reserve(std::uint64_t count) const
{
    JOBMILL_TRY_ASSIGN(const UniqueFd held, lock());
    JOBMILL_TRY_ASSIGN(const std::uint64_t next, read_next(file_));
    const std::uint64_t first = std::max(next, end_);
    JOBMILL_TRY(write(first + count));
    return first;
}

/// Unless somebody has reserved the numbers behind ours.
Result<void> JobIds::give_back() const
{
    JOBMILL_TRY_ASSIGN(const UniqueFd held, lock());
    JOBMILL_TRY_ASSIGN(const std::uint64_t next, read_next(file_));
    return next == end_ ? write(next_) : Result<void>{};
}

Result<void> JobIds::write(std::uint64_t first_unused) const
{
    const std::string fresh = file_ + ".new";
    {
        const UniqueFd out{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
        const std::string text = std::to_string(first_unused) + "\n";
        const ssize_t written = out ? ::write(out.get(), text.data(), text.size()) : -1;
        if (written >= 0 && written != static_cast<ssize_t>(text.size())) {
            return fail_writing("writing " + fresh, ENOSPC);
        }
        if (written < 0 || ::fdatasync(out.get()) != 0) {
            return fail_writing("writing " + fresh, errno);
        }
    }
    if (std::rename(fresh.c_str(), file_.c_str()) != 0) {
        return fail_writing("renaming " + fresh, errno);
    }
    return sync_directory(file_.substr(0, file_.rfind('/')));
}

JobId JobIds::next()
{
    if (next_ == end_) {
        if (const auto first = reserve(block_)) {
            next_ = *first;
        } else {
            // Better a number that may come again after a crash than no service on a full disk.
            log::warning(may_come_again, {{"cause", first.error().what}});
        }
        end_ = next_ + block_;
        block_ = std::min(block_ * 2, largest_block);
    }
    return JobId{next_++};
}

void JobIds::close()
{
    if (const auto given = give_back(); !given) {
        log::warning("last job number not saved", {{"cause", given.error().what}}, log::always);
    }
}

}  // namespace jobmill::daemon
