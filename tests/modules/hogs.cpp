// SPDX-License-Identifier: MIT
// Handlers that take more than they should.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <system_error>

#include "tests/modules/testhandlers.hpp"

namespace testhandlers {
namespace {

[[noreturn]] void fail_system(const std::string& doing)
{
    throw jobmill::Failure{doing + ": " + std::generic_category().message(errno)};
}

std::uint64_t cpu_ns()
{
    timespec used{};
    (void)::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(used.tv_nsec);
}

/// What all processes of a bomb see.
struct Bomb {
    std::atomic<std::int64_t> left;
    std::atomic<std::int64_t> made{0};
    std::atomic<bool> refused{false};
};

/// Forks, and has the children fork, until `left` is used up or no more can be had.
void fork_all(Bomb& bomb)
{
    while (!bomb.refused && bomb.left.fetch_sub(1) > 0) {
        const pid_t child = ::fork();
        if (child < 0) {
            bomb.refused = true;
        } else if (child > 0) {
            ++bomb.made;
        }
    }
}

}  // namespace

void cpu(Job& job)
{
    const std::uint64_t end = cpu_ns() + number_of(job, 10) * 1'000'000;
    volatile std::uint64_t turns = 0;
    while (cpu_ns() < end) {
        for (int i = 0; i < 1000; ++i) {
            const std::uint64_t turn = turns;
            turns = turn + 1;
        }
    }
}

std::string eat(Job& job)
{
    const std::string meal(number_of(job, 1U << 20U), 'e');
    return std::to_string(std::count(meal.begin(), meal.end(), 'e'));
}

void allocate(Job& /*job*/)
{
    for (std::size_t size = 1;; size = size % 100'000 + 1) {
        void* volatile memory = std::malloc(size);
        std::free(memory);
    }
}

std::string forkbomb(Job& job)
{
    const auto most = static_cast<std::int64_t>(number_of(job, 64));
    void* const page =
        ::mmap(nullptr, sizeof(Bomb), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        fail_system("mmap");
    }
    Bomb& bomb = *::new (page) Bomb{most};
    const pid_t first = ::getpid();
    fork_all(bomb);
    while (::getpid() != first) {
        (void)::pause();
    }
    const timespec while_others_fork{0, 1'000'000};
    while (!bomb.refused && bomb.made < most) {
        (void)::nanosleep(&while_others_fork, nullptr);
    }
    std::string count = std::to_string(bomb.made);
    (void)::munmap(page, sizeof(Bomb));
    return count;
}

void write_file(Job& job)
{
    const std::string path{job.text("path")};
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) {
        fail_system(path);
    }
    const std::string block(65536, 'w');
    for (std::uint64_t rest = number_of(job, 1U << 20U); rest > 0;) {
        const ssize_t written =
            ::write(file, block.data(), std::min<std::uint64_t>(rest, block.size()));
        if (written < 0) {
            const int error_number = errno;
            (void)::close(file);
            errno = error_number;
            fail_system(path);
        }
        rest -= static_cast<std::uint64_t>(written);
    }
    (void)::close(file);
}

std::string open_files(Job& job)
{
    const std::uint64_t most = number_of(job, 16);
    std::vector<int> files;
    for (int file = 0; file >= 0 && files.size() < most;) {
        file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            files.push_back(file);
        }
    }
    for (const int file : files) {
        (void)::close(file);
    }
    return std::to_string(files.size());
}

}  // namespace testhandlers
