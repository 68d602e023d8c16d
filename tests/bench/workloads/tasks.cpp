// SPDX-License-Identifier: MIT
#include "tests/bench/workloads/tasks.hpp"

#include <charconv>
#include <cstdlib>
#include <ctime>
#include <stdexcept>

#include "tests/bench/workloads/word_table.hpp"

namespace jobmill::bench {
namespace {

std::uint64_t number_at(const char*& at, const char* end)
{
    std::uint64_t number = 0;
    const auto [rest, error] = std::from_chars(at, end, number);
    if (error != std::errc{}) {
        throw std::runtime_error{"a task without its number"};
    }
    at = rest;
    return number;
}

std::uint64_t cpu_nanoseconds()
{
    timespec time{};
    (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_nsec);
}

std::string_view count_words(std::uint64_t offset, std::uint64_t length)
{
    static const std::string_view text = mapped_file(text_file());
    static std::string lines;
    WordTable table;
    table.count(text, offset, length);
    lines = table.lines();
    return lines;
}

}  // namespace

void spell(const Task& task, std::string& to)
{
    to += static_cast<char>(task.kind);
    switch (task.kind) {
        case Task::Kind::noop:
            break;
        case Task::Kind::spin:
            to += std::to_string(task.first);
            break;
        case Task::Kind::echo:
        case Task::Kind::peek:
            to += task.bytes;
            break;
        case Task::Kind::words:
            to.append(std::to_string(task.first)).append(" ").append(std::to_string(task.second));
            break;
    }
}

std::string_view perform(std::string_view text)
{
    if (text.empty()) {
        throw std::runtime_error{"an empty task"};
    }
    const char* at = text.data() + 1;
    const char* const end = text.data() + text.size();
    switch (static_cast<Task::Kind>(text.front())) {
        case Task::Kind::noop:
            return {};
        case Task::Kind::spin:
            spin(number_at(at, end));
            return {};
        case Task::Kind::echo:
            return text.substr(1);
        case Task::Kind::peek:
            return peek(text.substr(1));
        case Task::Kind::words: {
            const std::uint64_t offset = number_at(at, end);
            return count_words(offset, number_at(++at, end));
        }
    }
    throw std::runtime_error{"a task of no kind"};
}

std::string_view peek(std::string_view bytes)
{
    constexpr std::size_t page = 4096;
    static std::string sum;
    std::uint64_t found = 0;
    for (std::size_t at = 0; at < bytes.size(); at += page) {
        found += static_cast<unsigned char>(bytes[at]);
    }
    sum = std::to_string(found);
    return sum;
}

void spin(std::uint64_t microseconds)
{
    const std::uint64_t end = cpu_nanoseconds() + microseconds * 1000;
    while (cpu_nanoseconds() < end) {
    }
}

const char* text_file()
{
    const char* path = std::getenv("JOBMILL_BENCH_TEXT");  // NOLINT(concurrency-mt-unsafe)
    if (path == nullptr) {
        throw std::runtime_error{"JOBMILL_BENCH_TEXT names no file"};
    }
    return path;
}

}  // namespace jobmill::bench
