// SPDX-License-Identifier: MIT
// The floor of what two workers can do with jobs that are known beforehand: forked processes, each
// with its share from the start, and nothing between them.
//   static_split spin PROCESSES MICROSECONDS JOBS [FIRST]  jobs of so much CPU time, the first one
//                                                          of FIRST; a share each of equal time
//   static_split words PROCESSES                           the words of $JOBMILL_BENCH_TEXT
// One JSON line.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <functional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "common/unique_fd.hpp"
#include "tests/bench/measuring.hpp"
#include "tests/bench/workloads/tasks.hpp"
#include "tests/bench/workloads/word_table.hpp"

using namespace jobmill;
using namespace jobmill::bench;

namespace {

std::uint64_t number(std::string_view word)
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc{} || end != word.data() + word.size() || value == 0) {
        give_up("not a number: " + std::string{word});
    }
    return value;
}

/// Runs it in so many processes, told their number; what each has written is the answer.
std::vector<std::string> in_processes(std::size_t count,
                                      const std::function<std::string(std::size_t)>& share)
{
    std::vector<UniqueFd> outputs;
    std::vector<pid_t> processes;
    for (std::size_t i = 0; i < count; ++i) {
        std::array<int, 2> pipe{};
        if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
            throw std::runtime_error{"no pipe"};
        }
        outputs.emplace_back(pipe[0]);
        const UniqueFd theirs{pipe[1]};
        const pid_t pid = ::fork();
        if (pid == 0) {
            const std::string result = share(i);
            ssize_t size = 1;
            for (std::string_view rest = result; size > 0 && !rest.empty();
                 rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(size, 0)))) {
                size = ::write(theirs.get(), rest.data(), rest.size());
            }
            ::_exit(size > 0 ? 0 : 1);
        }
        if (pid < 0) {
            throw std::runtime_error{"no process"};
        }
        processes.push_back(pid);
    }
    std::vector<std::string> results(count);
    std::vector<char> buffer(std::size_t{1} << 16U);
    for (std::size_t i = 0; i < count; ++i) {
        for (ssize_t size = 1; size > 0;) {
            size = ::read(outputs[i].get(), buffer.data(), buffer.size());
            results[i].append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        }
        int status = -1;
        (void)::waitpid(processes[i], &status, 0);
        if (status != 0) {
            throw std::runtime_error{"a process could not do its share"};
        }
    }
    return results;
}

void measure_spin(std::size_t processes, std::uint64_t each, std::uint64_t jobs,
                  std::uint64_t first)
{
    // The long job alone, if there is one, counts as what it takes in time of the others.
    const std::uint64_t total = first + each * (jobs - 1);
    const std::uint64_t share = total / processes;
    const auto start = Clock::now();
    (void)in_processes(processes, [&](std::size_t i) {
        const std::uint64_t mine = i == 0 ? std::max(share, first) : share;
        std::uint64_t left = mine;
        if (i == 0) {
            spin(first);
            left -= first;
        }
        for (; left >= each; left -= each) {
            spin(each);
        }
        if (left > 0) {
            spin(left);
        }
        return std::string{};
    });
    (void)std::printf("{\"bench\":\"static_split\",\"makespan_ms\":%.3f}\n",
                      milliseconds_since(start));
}

void measure_words(std::size_t processes)
{
    const auto start = Clock::now();
    const std::string_view text = mapped_file(text_file());
    const std::vector<std::string> lines = in_processes(processes, [&](std::size_t i) {
        const std::uint64_t begin = text.size() * i / processes;
        WordTable table;
        table.count(text, begin, text.size() * (i + 1) / processes - begin);
        return table.lines();
    });
    WordTable all;
    for (const std::string& each : lines) {
        all.merge(each);
    }
    (void)std::printf(
        "{\"bench\":\"words\",\"peer\":\"static split\",\"case\":\"%zu MB\",\"seconds\":%.4f,"
        "\"words\":%llu,\"distinct\":%zu}\n",
        megabytes(text), milliseconds_since(start) / 1000,
        static_cast<unsigned long long>(all.words()), all.distinct());
}

}  // namespace

int main(int argc, char** argv)
{
    const std::vector<std::string_view> words(argv + 1, argv + argc);
    try {
        if (words.size() >= 4 && words[0] == "spin") {
            const std::uint64_t each = number(words[2]);
            measure_spin(number(words[1]), each, number(words[3]),
                         words.size() > 4 ? number(words[4]) : each);
        } else if (words.size() == 2 && words[0] == "words") {
            measure_words(number(words[1]));
        } else {
            give_up("static_split spin PROCESSES MICROSECONDS JOBS [FIRST] | words PROCESSES");
        }
    } catch (const std::exception& error) {
        give_up(error.what());
    }
}
