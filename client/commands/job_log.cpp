// SPDX-License-Identifier: MIT
#include "client/commands/job_log.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "client/commands/interrupts.hpp"
#include "client/commands/notice.hpp"

namespace jobmill::commands {
namespace {

/// Of the first line. Versions of GNU parallel differ in what they call the columns after these.
constexpr std::string_view head_begin = "Seq\tHost\t";

void set(std::vector<bool>& flags, std::uint64_t position, bool value)
{
    if (flags.size() <= position) {
        flags.resize(position + 1);
    }
    flags[position] = value;
}

}  // namespace

Result<JobLog> JobLog::open(const std::string& file, Begin begin)
{
    // Not O_TRUNC: another jobmill may be writing to it.
    const int make = begin == Begin::there ? 0 : O_CREAT;
    UniqueFd fd{::open(file.c_str(), O_RDWR | make | O_APPEND | O_CLOEXEC | O_NOCTTY, 0666)};
    if (!fd) {
        return fail_errno("the job log " + file, errno);
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) {
        return fail_errno("the job log " + file, errno);
    }
    JobLog log{file, std::move(fd)};
    log.is_file_ = S_ISREG(status.st_mode);
    if (log.is_file_ && ::flock(log.fd_.get(), LOCK_EX | LOCK_NB) != 0) {
        return fail(Errc::in_use, "the job log " + file + " is another jobmill's just now");
    }
    log.begins_ = begin == Begin::anew && log.is_file_ && status.st_size > 0;
    if (!log.begins_) {
        JOBMILL_TRY(begin == Begin::anew ? log.begin_anew() : log.read());
    }
    return log;
}

tl::unexpected<Error> JobLog::no_log() const
{
    return fail(Errc::invalid, file_ + " is not a job log: its first line is another one");
}

Result<void> JobLog::begin()
{
    if (begins_) {
        JOBMILL_TRY(begin_anew());
        begins_ = false;
    }
    return {};
}

Result<void> JobLog::begin_anew()
{
    if (is_file_ && ::ftruncate(fd_.get(), 0) != 0) {
        return fail_errno("the job log " + file_, errno);
    }
    size_ = 0;
    return write(job_log_head);
}

void JobLog::remember(JobLogLine line)
{
    set(past_.ended, line.seq, true);
    set(past_.succeeded, line.seq, line.succeeded());
    if (line.succeeded()) {
        past_.failed.erase(line.seq);
    } else {
        past_.failed[line.seq] = std::move(line.command);
    }
}

/// The first is its head.
Result<void> JobLog::take_line(std::uint64_t number, std::string_view text)
{
    if (number == 1) {
        return text.starts_with(head_begin) ? Result<void>{} : no_log();
    }
    auto line = parse_job_log_line(text);
    if (!line) {
        return fail(Errc::invalid, "the job log " + file_ + ", line " + std::to_string(number) +
                                       ": " + line.error().what);
    }
    remember(std::move(*line));
    return {};
}

Result<void> JobLog::read()
{
    std::string rest;
    std::array<char, std::size_t{64} * 1024> chunk{};
    std::uint64_t line_number = 0;
    while (is_file_) {
        const ssize_t got = ::read(fd_.get(), chunk.data(), chunk.size());
        if (got < 0 && (errno != EINTR || interrupted() != 0)) {
            return fail_errno("the job log " + file_, errno);
        }
        if (got == 0) {
            break;
        }
        rest.append(chunk.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
        std::size_t begin = 0;
        for (std::size_t end = 0; (end = rest.find('\n', begin)) != std::string::npos;
             begin = end + 1) {
            JOBMILL_TRY(
                take_line(++line_number, std::string_view{rest}.substr(begin, end - begin)));
        }
        size_ += begin;
        rest.erase(0, begin);
    }
    if (size_ == 0 && !job_log_head.starts_with(rest)) {
        return no_log();
    }
    if (size_ == 0) {
        return begin_anew();
    }
    if (!rest.empty() && ::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) {
        return fail_errno("the job log " + file_, errno);
    }
    return {};
}

Result<void> JobLog::write(std::string_view text)
{
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t size = ::write(fd_.get(), text.data() + done, text.size() - done);
        if (size < 0 && errno == EINTR && interrupted() == 0) {
            continue;
        }
        if (size < 0) {
            const int error = errno;
            if (is_file_ && done > 0) {
                (void)!::ftruncate(fd_.get(), static_cast<off_t>(size_));
            }
            return fail_errno("the job log " + file_, error);
        }
        done += static_cast<std::size_t>(size);
    }
    size_ += text.size();
    return {};
}

void JobLog::add(const JobLogLine& line)
{
    Result<void> written = begin();
    if (written) {
        written = write(text_of(line));
    }
    if (!written && missing_++ == 0) {
        notice(written.error().what + "; jobs go on, but some of them are missing from it");
    }
}

}  // namespace jobmill::commands
