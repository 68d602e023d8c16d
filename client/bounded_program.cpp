// SPDX-License-Identifier: MIT
#include "client/bounded_program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "common/exit_code.hpp"
#include "common/unique_fd.hpp"

namespace jobmill {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t longest_output = std::size_t{64} * 1024;

struct Pipe {
    UniqueFd read;
    UniqueFd write;
};

Result<Pipe> make_pipe()
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return fail_errno("pipe", errno);
    }
    return Pipe{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

Result<pid_t> spawn(std::vector<std::string>& words, int out, int err)
{
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions{};
    (void)::posix_spawn_file_actions_init(&actions);
    (void)::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    (void)::posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    pid_t pid = 0;
    const int error = ::posix_spawnp(&pid, argv.front(), &actions, nullptr, argv.data(), environ);
    (void)::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        return fail_errno("starting " + words.front(), error);
    }
    return pid;
}

/// Reads once; false at the end.
bool read_into(int from, std::string& to)
{
    std::array<char, 4096> buffer{};
    const ssize_t size = ::read(from, buffer.data(), buffer.size());
    if (size < 0) {
        return errno == EINTR;
    }
    const std::size_t room = longest_output - std::min(longest_output, to.size());
    to.append(buffer.data(), std::min(room, static_cast<std::size_t>(size)));
    return size > 0;
}

/// Until both ends are reached. False when the time is over before.
bool read_both(Pipe& out, Pipe& err, ProgramOutput& output, Clock::time_point deadline)
{
    while (out.read || err.read) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) {
            return false;
        }
        std::array<pollfd, 2> fds{pollfd{out.read.get(), POLLIN, 0},
                                  pollfd{err.read.get(), POLLIN, 0}};
        if (::poll(fds.data(), fds.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) {
            return false;
        }
        if (fds[0].revents != 0 && !read_into(out.read.get(), output.out)) {
            out.read.reset();
        }
        if (fds[1].revents != 0 && !read_into(err.read.get(), output.err)) {
            err.read.reset();
        }
    }
    return true;
}

/// Its exit code; none when it has not left in time.
std::optional<int> reap(pid_t pid, Clock::time_point deadline)
{
    int status = 0;
    while (::waitpid(pid, &status, WNOHANG) == 0) {
        if (Clock::now() >= deadline) {
            return {};
        }
        (void)::poll(nullptr, 0, 1);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : exit_code::signal_base + WTERMSIG(status);
}

}  // namespace

Result<ProgramOutput> run_bounded(std::vector<std::string> words,
                                  std::chrono::milliseconds patience)
{
    JOBMILL_TRY_ASSIGN(Pipe out, make_pipe());
    JOBMILL_TRY_ASSIGN(Pipe err, make_pipe());
    JOBMILL_TRY_ASSIGN(const pid_t pid, spawn(words, out.write.get(), err.write.get()));
    out.write.reset();
    err.write.reset();
    const auto deadline = Clock::now() + patience;
    ProgramOutput output;
    const bool in_time = read_both(out, err, output, deadline);
    const auto code = in_time ? reap(pid, deadline) : std::nullopt;
    if (!code) {
        (void)::kill(pid, SIGKILL);
        (void)::waitpid(pid, nullptr, 0);
        return fail(Errc::system, words.front() + " has not answered in " +
                                      std::to_string(patience.count()) + " ms");
    }
    output.exit_code = *code;
    return output;
}

}  // namespace jobmill
