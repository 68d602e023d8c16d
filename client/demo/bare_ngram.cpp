// SPDX-License-Identifier: MIT
#include "client/demo/bare_ngram.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "common/unique_fd.hpp"

namespace jobmill::demo {
namespace {

const char* after(const char* at, const char* end, char byte)
{
    const void* found = std::memchr(at, byte, static_cast<std::size_t>(end - at));
    return found == nullptr ? end : static_cast<const char*>(found) + 1;
}

/// After a number and what ends it.
const char* skip_number(const char* at, const char* end)
{
    while (at < end && *at >= '0' && *at <= '9') {
        ++at;
    }
    return std::min(at + 1, end);
}

/// Counts the lines that begin in the range.
bool count_range(const FileRange& range, Counts& counts)
{
    const UniqueFd fd{::open(range.path.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) {
        return false;
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (mapped == MAP_FAILED) {
        return false;
    }
    const char* const file = static_cast<const char*>(mapped);
    const char* const end = file + size;
    const char* const stop = file + std::min<std::uint64_t>(size, range.offset + range.length);
    const char* at = range.offset == 0 ? file : after(file + range.offset - 1, end, '\n');
    std::string_view ngram;
    std::uint64_t total = 0;
    while (at < stop) {
        // Lines of one ngram follow each other: look it up once, not once a line.
        if (ngram.empty() || static_cast<std::size_t>(end - at) <= ngram.size() ||
            at[ngram.size()] != '\t' || std::string_view{at, ngram.size()} != ngram) {
            counts.add(ngram, total);
            ngram = {at, static_cast<std::size_t>(after(at, end, '\t') - at - 1)};
            total = 0;
        }
        at = skip_number(at + ngram.size() + 1, end);
        std::uint64_t count = 0;
        for (; at < end && *at >= '0' && *at <= '9'; ++at) {
            count = count * 10 + static_cast<std::uint64_t>(*at - '0');
        }
        total += count;
        at = skip_number(at + 1, end);
    }
    counts.add(ngram, total);
    return ::munmap(mapped, size) == 0;
}

[[noreturn]] void be_process(std::span<const FileRange> ranges, int out)
{
    Counts counts;
    bool good = true;
    for (const FileRange& range : ranges) {
        good = good && count_range(range, counts);
    }
    const std::string lines = counts.lines();
    for (std::string_view rest = lines; good && !rest.empty();) {
        const ssize_t size = ::write(out, rest.data(), rest.size());
        good = size > 0;
        rest.remove_prefix(good ? static_cast<std::size_t>(size) : 0);
    }
    ::_exit(good ? 0 : 1);
}

Result<std::string> read_to_end(int fd)
{
    std::string text;
    std::vector<char> buffer(std::size_t{1} << 20U);
    while (true) {
        const ssize_t size = ::read(fd, buffer.data(), buffer.size());
        if (size == 0) {
            return text;
        }
        if (size < 0 && errno != EINTR) {
            return fail_errno("reading from a bare process", errno);
        }
        text.append(buffer.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
    }
}

}  // namespace

Result<Counts> count_bare(const std::vector<FileRange>& ranges, std::size_t processes)
{
    std::vector<UniqueFd> outputs;
    std::vector<pid_t> pids;
    for (std::size_t i = 0; i < processes; ++i) {
        std::array<int, 2> pipe{};
        if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
            return fail_errno("pipe", errno);
        }
        outputs.emplace_back(pipe[0]);
        const UniqueFd theirs{pipe[1]};
        const std::size_t first = ranges.size() * i / processes;
        const std::size_t last = ranges.size() * (i + 1) / processes;
        const pid_t pid = ::fork();
        if (pid == 0) {
            be_process(std::span{ranges}.subspan(first, last - first), theirs.get());
        }
        if (pid < 0) {
            return fail_errno("fork", errno);
        }
        pids.push_back(pid);
    }
    Counts counts;
    bool good = true;
    for (std::size_t i = 0; i < processes; ++i) {
        JOBMILL_TRY_ASSIGN(const std::string lines, read_to_end(outputs[i].get()));
        int status = 0;
        (void)::waitpid(pids[i], &status, 0);
        good = good && status == 0 && counts.merge(lines);
    }
    if (!good) {
        return fail(Errc::system, "a bare process could not count its share");
    }
    return counts;
}

}  // namespace jobmill::demo
