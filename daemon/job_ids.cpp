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
#include <system_error>

#include "common/unique_fd.hpp"
#include "daemon/log.hpp"

namespace jobmill::daemon {
namespace {

/// What the protocol can say of a job's number; a block that begins here does not go beyond it.
constexpr std::uint64_t greatest_next =
    std::uint64_t{std::numeric_limits<std::int64_t>::max()} - JobIds::largest_block;
constexpr auto may_come_again = "job numbers may be given again";
/// A millisecond apart; of who keeps nobody waiting, as long as another's slow disk may take.
constexpr int lock_tries = 50;
constexpr int patient_lock_tries = 10'000;

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

/// Held for a moment by whoever changes the file; never waited for longer than such moments take.
Result<UniqueFd> take_lock(const std::string& file, int tries)
{
    const std::string path = file + ".lock";
    UniqueFd lock{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!lock) {
        return fail_writing("lock file " + path, errno);
    }
    for (int i = 0; ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++i) {
        if (errno != EWOULDBLOCK || i == tries) {
            return fail_errno("locking " + path, errno);
        }
        (void)::poll(nullptr, 0, 1);
    }
    return lock;
}

Result<void> write_next(const std::string& file, std::uint64_t first_unused)
{
    const std::string fresh = file + ".new";
    {
        // Nor what is in the way of this one.
        constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
        const UniqueFd out{::open(fresh.c_str(), flags, 0600)};
        const std::string text = std::to_string(first_unused) + "\n";
        const ssize_t written = out ? ::write(out.get(), text.data(), text.size()) : -1;
        if (written >= 0 && written != static_cast<ssize_t>(text.size())) {
            return fail_writing("writing " + fresh, ENOSPC);
        }
        if (written < 0 || ::fdatasync(out.get()) != 0) {
            return fail_writing("writing " + fresh, errno);
        }
    }
    if (std::rename(fresh.c_str(), file.c_str()) != 0) {
        return fail_writing("renaming " + fresh, errno);
    }
    return sync_directory(file.substr(0, file.rfind('/')));
}

}  // namespace

Result<JobIds> JobIds::open(const std::string& directory)
{
    JobIds ids{directory + "/next-job"};
    // Shows early whether the directory can be written.
    auto made = make_directories(directory);
    auto first = made ? reserve(ids.file_, 0, ids.block_, patient_lock_tries)
                      : tl::unexpected<Error>(std::move(made.error()));
    if (!first && first.error().code == Errc::exhausted) {
        // As when it happens while the daemon runs.
        log::warning(may_come_again, {{"cause", first.error().what}}, log::always);
        first = read_next(ids.file_).map([](std::uint64_t next) { return Block{next, next}; });
    }
    JOBMILL_TRY_ASSIGN(const Block block, std::move(first));
    ids.use(block);
    return ids;
}

/// So many numbers that are ours from now on, none of them below `at_least`.
Result<JobIds::Block> JobIds::reserve(const std::string& file, std::uint64_t at_least,
                                      std::uint64_t count, int lock_tries)
{
    JOBMILL_TRY_ASSIGN(const UniqueFd held, take_lock(file, lock_tries));
    JOBMILL_TRY_ASSIGN(const std::uint64_t next, read_next(file));
    const std::uint64_t first = std::max(next, at_least);
    JOBMILL_TRY(write_next(file, first + count));
    return Block{first, first + count};
}

void JobIds::use(const Block& block)
{
    next_ = block.first;
    end_ = block.end;
    reserve_at_ = next_ + (end_ - next_) / 2;
    block_ = std::min(block_ * 2, largest_block);
}

void JobIds::begin_block()
{
    if (const auto ahead = take_ahead()) {
        use(*ahead);
    } else if (const auto block = reserve(file_, end_, block_, lock_tries)) {
        use(*block);
    } else {
        // Better a number that may come again after a crash than no service on a full disk.
        log::warning(may_come_again, {{"cause", block.error().what}});
        use({end_, end_ + block_});
    }
}

void JobIds::reserve_ahead()
{
    try {
        ahead_ = std::async(std::launch::async, reserve, file_, end_, block_, patient_lock_tries);
    } catch (const std::system_error&) {
        // No thread is to be had: without one when it has to be.
    }
}

/// Waits for it, if need be. None when none was asked for, or it failed, which another try will
/// say.
std::optional<JobIds::Block> JobIds::take_ahead()
{
    if (!ahead_.valid()) {
        return {};
    }
    const auto block = ahead_.get();
    return block ? std::optional{*block} : std::nullopt;
}

/// What lies before numbers that somebody else has reserved cannot be.
Result<void> JobIds::give_back()
{
    const auto ahead = take_ahead();
    JOBMILL_TRY_ASSIGN(const UniqueFd held, take_lock(file_, lock_tries));
    JOBMILL_TRY_ASSIGN(const std::uint64_t next, read_next(file_));
    std::uint64_t unused = next;
    if (ahead && unused == ahead->end) {
        unused = ahead->first;
    }
    if (unused == end_) {
        unused = next_;
    }
    return unused == next ? Result<void>{} : write_next(file_, unused);
}

void JobIds::close()
{
    if (const auto given = give_back(); !given) {
        log::warning("last job number not saved", {{"cause", given.error().what}}, log::always);
    }
}

}  // namespace jobmill::daemon
