// SPDX-License-Identifier: MIT
#include "client/commands/daemon_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "client/commands/arguments.hpp"
#include "client/commands/interrupts.hpp"
#include "common/unique_fd.hpp"
#include "jobmill/client.hpp"

namespace jobmill::commands {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds retry_pause{10};
constexpr off_t log_tail = 2000;

bool is_program(const std::string& path)
{
    return ::access(path.c_str(), X_OK) == 0;
}

/// What the daemon said since `from`: why it left, in its own words.
std::string read_log(const std::string& path, off_t from)
{
    const UniqueFd log{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!log) {
        return {};
    }
    const off_t size = ::lseek(log.get(), 0, SEEK_END);
    const off_t start = std::max(from, size - log_tail);
    std::string text(static_cast<std::size_t>(log_tail), '\0');
    const ssize_t got = ::pread(log.get(), text.data(), text.size(), start);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    return text;
}

/// Variables, those of `instead` in place of others of the same name.
std::vector<std::string> merged(std::vector<std::string> variables,
                                const std::vector<std::string>& instead)
{
    for (const std::string& variable : instead) {
        const std::string name = variable.substr(0, variable.find('=') + 1);
        std::erase_if(variables, [&](const std::string& old) { return old.starts_with(name); });
        variables.push_back(variable);
    }
    return variables;
}

class SpawnSettings {
public:
    SpawnSettings(int log, bool background)
    {
        (void)::posix_spawn_file_actions_init(&actions_);
        (void)::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
        (void)::posix_spawn_file_actions_adddup2(&actions_, log, 1);
        (void)::posix_spawn_file_actions_adddup2(&actions_, log, 2);
        (void)::posix_spawn_file_actions_addchdir_np(&actions_, "/");
        (void)::posix_spawnattr_init(&attributes_);
        sigset_t all;
        sigfillset(&all);
        (void)::posix_spawnattr_setsigdefault(&attributes_, &all);
        sigset_t none;
        sigemptyset(&none);
        (void)::posix_spawnattr_setsigmask(&attributes_, &none);
        int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
        flags |= background ? POSIX_SPAWN_SETSID : 0;
        (void)::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;
    ~SpawnSettings()
    {
        (void)::posix_spawn_file_actions_destroy(&actions_);
        (void)::posix_spawnattr_destroy(&attributes_);
    }

    [[nodiscard]] Result<pid_t> spawn(const std::string& program, std::vector<std::string> words,
                                      std::vector<std::string> environment)
    {
        std::vector<char*> argv = pointers(words);
        std::vector<char*> variables = pointers(environment);
        pid_t pid = 0;
        const int error = ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_, argv.data(),
                                        variables.data());
        if (error != 0) {
            return fail_errno("starting " + program, error);
        }
        return pid;
    }

private:
    static std::vector<char*> pointers(std::vector<std::string>& texts)
    {
        std::vector<char*> to;
        to.reserve(texts.size() + 1);
        for (std::string& text : texts) {
            to.push_back(text.data());
        }
        to.push_back(nullptr);
        return to;
    }

    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

/// Connects again and again until the daemon answers, leaves, or takes too long.
Result<void> wait_until_ready(const DaemonLaunch& launch, pid_t pid,
                              std::chrono::milliseconds patience, off_t log_start)
{
    const auto deadline = Clock::now() + patience;
    while (true) {
        if (Client::connect(launch.socket)) {
            return {};
        }
        int status = 0;
        if (::waitpid(pid, &status, WNOHANG) == pid) {
            const std::string said = read_log(launch.log_path, log_start);
            return fail(Errc::system,
                        "jobmilld did not start" +
                            (said.empty() ? ": see " + launch.log_path : ": " + said));
        }
        if (Clock::now() > deadline || interrupted() != 0) {
            (void)::kill(pid, SIGTERM);
            return fail(Errc::system, "jobmilld (pid " + std::to_string(pid) +
                                          ") does not answer; see " + launch.log_path);
        }
        (void)::poll(nullptr, 0, static_cast<int>(retry_pause.count()));
    }
}

}  // namespace

Result<std::string> find_daemon()
{
    std::string self(PATH_MAX, '\0');
    const ssize_t size = ::readlink("/proc/self/exe", self.data(), self.size());
    if (size > 0) {
        self.resize(static_cast<std::size_t>(size));
        const std::string directory = self.substr(0, self.rfind('/'));
        for (const char* place : {"/jobmilld", "/../sbin/jobmilld"}) {
            if (is_program(directory + place)) {
                return directory + place;
            }
        }
    }
    const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
    std::string_view rest = path == nullptr ? "/usr/bin:/usr/sbin" : path;
    while (!rest.empty()) {
        const std::string candidate = std::string{rest.substr(0, rest.find(':'))} + "/jobmilld";
        if (candidate.front() == '/' && is_program(candidate)) {
            return candidate;
        }
        const std::size_t colon = rest.find(':');
        rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
    }
    return fail(Errc::not_found, "jobmilld is neither beside this program nor in $PATH");
}

Result<void> make_private_directory(const std::string& path)
{
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
        (void)::mkdir(path.substr(0, slash).c_str(), 0755);
    }
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        return fail_errno("making the directory " + path, errno);
    }
    return {};
}

Result<pid_t> start_daemon(const DaemonLaunch& launch, std::chrono::milliseconds patience)
{
    JOBMILL_TRY_ASSIGN(const std::string program, find_daemon());
    const UniqueFd log{
        ::open(launch.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    if (!log) {
        return fail_errno("opening the log " + launch.log_path, errno);
    }
    const off_t log_start = ::lseek(log.get(), 0, SEEK_END);
    std::vector<std::string> words{"jobmilld", "--socket", launch.socket};
    words.insert(words.end(), launch.options.begin(), launch.options.end());
    SpawnSettings settings{log.get(), launch.background};
    JOBMILL_TRY_ASSIGN(const pid_t pid,
                       settings.spawn(program, std::move(words),
                                      merged(current_environment(), launch.environment)));
    JOBMILL_TRY(wait_until_ready(launch, pid, patience, log_start));
    return pid;
}

Result<bool> stop_process(pid_t pid, std::chrono::milliseconds patience)
{
    const UniqueFd process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    if (!process) {
        return fail_errno("opening process " + std::to_string(pid), errno);
    }
    if (::syscall(SYS_pidfd_send_signal, process.get(), SIGTERM, nullptr, 0) != 0) {
        return fail_errno("stopping process " + std::to_string(pid), errno);
    }
    std::array<pollfd, 2> fds{pollfd{process.get(), POLLIN, 0}, pollfd{interrupt_fd(), POLLIN, 0}};
    const auto deadline = Clock::now() + patience;
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        const int count =
            ::poll(fds.data(), fds.size(), static_cast<int>(std::max<long>(0, left.count())));
        if (fds[0].revents != 0) {
            (void)::waitpid(pid, nullptr, WNOHANG);
            return true;
        }
        if (count == 0 || interrupted() != 0) {
            return false;
        }
    }
}

}  // namespace jobmill::commands
