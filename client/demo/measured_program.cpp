// SPDX-License-Identifier: MIT
#include "client/demo/measured_program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "client/commands/interrupts.hpp"
#include "client/demo/worker_hunt.hpp"
#include "common/unique_fd.hpp"

namespace jobmill::demo {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int look_every_ms = 5;
constexpr std::chrono::minutes patience{2};

/// A child in its own process group, with its standard output in a pipe.
class Child {
public:
    static Result<Child> start(std::vector<std::string> words)
    {
        std::array<int, 2> pipe{};
        if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
            return fail_errno("pipe", errno);
        }
        Child child;
        child.output_ = UniqueFd{pipe[0]};
        const UniqueFd theirs{pipe[1]};
        std::vector<char*> arguments;
        std::transform(words.begin(), words.end(), std::back_inserter(arguments),
                       [](std::string& word) { return word.data(); });
        arguments.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        (void)::posix_spawn_file_actions_init(&actions);
        (void)::posix_spawnattr_init(&attributes);
        (void)::posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDOUT_FILENO);
        (void)::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        const int error = ::posix_spawnp(&child.pid_, words.front().c_str(), &actions, &attributes,
                                         arguments.data(), environ);
        (void)::posix_spawn_file_actions_destroy(&actions);
        (void)::posix_spawnattr_destroy(&attributes);
        if (error != 0) {
            child.pid_ = 0;
            return fail_errno(words.front(), error);
        }
        return child;
    }

    Child(Child&& other) noexcept
        : pid_(std::exchange(other.pid_, 0)), output_(std::move(other.output_))
    {
    }
    Child& operator=(Child&&) = delete;
    ~Child() { (void)end(); }

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] int output() const noexcept { return output_.get(); }

    /// Kills what there is of the group and reaps the child; its exit code.
    int end()
    {
        if (pid_ <= 0) {
            return -1;
        }
        // Before it is reaped: the number of its group is certainly still its own.
        (void)::kill(-pid_, SIGKILL);
        return reap();
    }

    /// The exit code of a child that has closed its output and leaves by itself.
    int await_end()
    {
        siginfo_t ended{};
        while (::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOWAIT) < 0 &&
               errno == EINTR && commands::interrupted() == 0) {
        }
        return end();
    }

private:
    Child() = default;
    int reap()
    {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    pid_t pid_ = 0;
    UniqueFd output_;
};

/// False at the end of its output.
bool read_lines(int fd, std::string& partial, MeasuredRun& run, Clock::time_point from)
{
    std::array<char, 4096> buffer{};
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size <= 0) {
        return size < 0 && errno == EINTR;
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - from).count();
    partial.append(buffer.data(), static_cast<std::size_t>(size));
    for (std::size_t end = 0; (end = partial.find('\n')) != std::string::npos;) {
        run.lines.push_back({partial.substr(0, end), seconds});
        partial.erase(0, end + 1);
    }
    return true;
}

}  // namespace

const MeasuredRun::Line* MeasuredRun::line(const std::string& beginning) const
{
    const auto found = std::find_if(lines.begin(), lines.end(), [&](const Line& each) {
        return each.text.starts_with(beginning);
    });
    return found == lines.end() ? nullptr : &*found;
}

Result<MeasuredRun> measure(const ProgramToMeasure& program)
{
    JOBMILL_TRY_ASSIGN(Child child, Child::start(program.words));
    MeasuredRun run;
    std::string partial;
    while (true) {
        std::array<pollfd, 2> fds{pollfd{child.output(), POLLIN, 0},
                                  pollfd{commands::interrupt_fd(), POLLIN, 0}};
        const int ready = ::poll(fds.data(), fds.size(), look_every_ms);
        if (commands::interrupted() != 0) {
            return fail(Errc::closed, "interrupted");
        }
        if (Clock::now() - program.from > patience) {
            return fail(Errc::system, program.words.front() + " takes longer than two minutes");
        }
        if (ready > 0 && fds[0].revents != 0 &&
            !read_lines(child.output(), partial, run, program.from)) {
            break;
        }
        std::uint64_t memory = peak_memory_of_tree(child.pid());
        if (program.daemon > 0) {
            memory += peak_memory_of_tree(program.daemon);
        }
        run.peak_memory = std::max(run.peak_memory, memory);
        if (program.meanwhile) {
            program.meanwhile(child.pid(), run);
        }
    }
    run.exit_code = child.await_end();
    return run;
}

}  // namespace jobmill::demo
