// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>

#include "tests/modules/testhandlers.hpp"

namespace testhandlers {

void chunks(Job& job)
{
    const std::string chunk(static_cast<std::size_t>(job.integer("size", 8)), 'c');
    const std::int64_t count = job.integer("count", 3);
    for (std::int64_t i = 0; i < count; ++i) {
        job.emit(chunk);
    }
}

void inputs(Job& job)
{
    if (job.payload() == "missing") {
        (void)job.input(job.input_count());
    }
    std::string lines{job.payload()};
    for (std::size_t i = 0; i < job.input_count(); ++i) {
        struct stat status {};
        if (::fstat(job.input_descriptor(i), &status) != 0) {
            throw jobmill::Failure{"an input without its descriptor"};
        }
        lines += '\n' + std::string{reinterpret_cast<const char*>(job.input(i).data()),
                                    job.input(i).size()};
    }
    job.result(lines);
}

void big(Job& job)
{
    const auto result = job.result_blob(number_of(job, 1U << 20U));
    std::fill(result.begin(), result.end(), std::byte{'b'});
}

void blank(Job& job)
{
    (void)job.result_blob(number_of(job, 0));
}

void shorten(Job& job)
{
    const auto room = job.result_blob(number_of(job, 2));
    std::fill(room.begin(), room.end(), std::byte{'x'});
    std::fill(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(room.size() / 2),
              std::byte{'s'});
    job.result(room.first(room.size() / 2));
    job.emit(room);
}

void peek(Job& job)
{
    constexpr std::size_t page = 4096;
    const std::string_view payload = job.payload();
    std::uint64_t sum = 0;
    for (std::size_t at = 0; at < payload.size(); at += page) {
        sum += static_cast<unsigned char>(payload[at]);
    }
    job.result(std::to_string(sum));
}

void progress(Job& job)
{
    const std::uint64_t steps = number_of(job, 10);
    for (std::uint64_t step = 1; step <= steps; ++step) {
        job.progress(step, steps, ("step " + std::to_string(step)).c_str());
    }
}

void alive(Job& job)
{
    const timespec pause{0, 5'000'000};
    for (std::uint64_t left = number_of(job, 10); left > 0; --left) {
        (void)::nanosleep(&pause, nullptr);
        job.alive();
    }
}

void stderr_spam(Job& job)
{
    std::string line(1023, 's');
    line += '\n';
    const std::uint64_t lines = number_of(job, 1) * 1024;
    for (std::uint64_t i = 0; i < lines; ++i) {
        (void)!::write(STDERR_FILENO, line.data(), line.size());
    }
}

void confess(Job& job)
{
    constexpr std::string_view words = "words of the job\n";
    (void)!::write(STDERR_FILENO, words.data(), words.size());
    job.progress(3, 10, "third");
    job.emit("confessed");
    const timespec pause{0, 1'000'000};
    while (job.payload() == "hold" || (job.payload() == "yield" && !job.cancelled())) {
        (void)::nanosleep(&pause, nullptr);
    }
    throw jobmill::Failure{"it gave up"};
}

std::string fds(Job& /*job*/)
{
    DIR* const directory = ::opendir("/proc/self/fd");
    if (directory == nullptr) {
        throw jobmill::Failure{"/proc/self/fd"};
    }
    std::string list;
    while (const dirent* entry = ::readdir(directory)) {
        const std::string name{entry->d_name};
        if (name[0] == '.' || name == std::to_string(::dirfd(directory))) {
            continue;
        }
        std::array<char, 256> target{};
        const std::string path = "/proc/self/fd/" + name;
        (void)!::readlink(path.c_str(), target.data(), target.size() - 1);
        list += name + ' ' + target.data() + '\n';
    }
    (void)::closedir(directory);
    return list;
}

std::string env(Job& /*job*/)
{
    std::string list;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        list += std::string{*variable} + '\n';
    }
    return list;
}

std::string pid(Job& /*job*/)
{
    return std::to_string(::getpid());
}

std::string counter(Job& /*job*/)
{
    static std::uint64_t calls = 0;
    return std::to_string(++calls);
}

std::string until_cancelled(Job& job)
{
    // Whoever hears of it may be sure that it looks at the flag: it is not told by a signal.
    bool over = job.cancelled();
    job.emit("running");
    const timespec pause{0, 1'000'000};
    while (!over) {
        (void)::nanosleep(&pause, nullptr);
        over = job.cancelled();
    }
    if (const std::int64_t size = job.integer("last_words", 0); size > 0) {
        job.emit(std::string(static_cast<std::size_t>(size), 'w'));
    }
    return "stopped";
}

std::string stops_if_cancelled(Job& job)
{
    job.stop_if_cancelled();
    job.emit("running");
    const timespec pause{0, 1'000'000};
    while (true) {
        (void)::nanosleep(&pause, nullptr);
        job.stop_if_cancelled();
    }
}

}  // namespace testhandlers
