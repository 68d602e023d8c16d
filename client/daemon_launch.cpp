// SPDX-License-Identifier: MIT
#include "client/daemon_launch.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>

namespace jobmill {
namespace {

constexpr off_t log_tail = 2000;
/// A log beyond this is put aside before the next daemon writes to it.
constexpr off_t longest_log = off_t{4} * 1024 * 1024;
constexpr mode_t usual_umask = 022;

/// What is needed between fork and exec, made before: nothing there may allocate.
struct Prepared {
    const char* program;
    char* const* argv;
    char* const* environment;
    int null;
    int log;
    int report;
};

/// What the process that becomes the daemon says of itself.
struct Report {
    pid_t pid;
    int error;  ///< 0: about to execute
};

void tell(int to, const Report& report)
{
    // Smaller than PIPE_BUF: whole or not at all.
    (void)!::write(to, &report, sizeof report);
}

/// Async-signal-safe calls only: we are a fork of a program that may have threads.
[[noreturn]] void become_daemon(const Prepared& prepared)
{
    tell(prepared.report, {.pid = ::getpid(), .error = 0});
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal) {
        (void)::sigaction(signal, &action, nullptr);
    }
    sigset_t none;
    sigemptyset(&none);
    (void)::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    (void)::umask(usual_umask);
    (void)::dup2(prepared.null, STDIN_FILENO);
    (void)::dup2(prepared.log, STDOUT_FILENO);
    (void)::dup2(prepared.log, STDERR_FILENO);
    (void)::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    if (::chdir("/") == 0) {
        (void)::execve(prepared.program, prepared.argv, prepared.environment);
    }
    tell(prepared.report, {.pid = ::getpid(), .error = errno});
    ::_exit(EXIT_FAILURE);
}

/// Forks twice, so that the daemon is adopted by whoever adopts orphans.
Result<void> fork_daemon(const Prepared& prepared)
{
    // Not fork(): that would run handlers of other libraries in a process that only executes.
    const pid_t middle = ::_Fork();
    if (middle < 0) {
        return fail_errno("fork", errno);
    }
    if (middle == 0) {
        (void)::setsid();
        const pid_t daemon = ::_Fork();
        if (daemon == 0) {
            become_daemon(prepared);
        }
        if (daemon < 0) {
            tell(prepared.report, {.pid = 0, .error = errno});
        }
        ::_exit(EXIT_SUCCESS);
    }
    // A program that reaps every child may have been faster.
    while (::waitpid(middle, nullptr, 0) < 0 && errno == EINTR) {
    }
    return {};
}

/// The daemon's pid, once it has been executed.
Result<pid_t> read_report(int from, const std::string& program)
{
    pid_t pid = 0;
    while (true) {
        Report report{};
        const ssize_t size = ::read(from, &report, sizeof report);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size != sizeof report) {
            break;
        }
        if (report.error != 0) {
            return fail_errno("starting " + program, report.error);
        }
        pid = report.pid;
    }
    if (pid == 0) {
        return fail(Errc::system, "starting " + program + ": it was killed before it could begin");
    }
    return pid;
}

std::vector<char*> pointers(std::vector<std::string>& texts)
{
    std::vector<char*> to;
    to.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        to.push_back(text.data());
    }
    to.push_back(nullptr);
    return to;
}

Result<UniqueFd> open_log(const std::string& path)
{
    struct stat status {};
    const bool is_there = ::stat(path.c_str(), &status) == 0;
    if (is_there && S_ISFIFO(status.st_mode)) {
        return fail(Errc::invalid,
                    "the log " + path + " is a pipe, whose reader would be waited for");
    }
    if (is_there && S_ISREG(status.st_mode) && status.st_size > longest_log) {
        (void)std::rename(path.c_str(), (path + ".old").c_str());
    }
    UniqueFd log{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    if (!log) {
        return fail_errno("opening the log " + path, errno);
    }
    return log;
}

bool is_program(const std::string& path)
{
    return ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

Result<LaunchedDaemon> launch_daemon(DaemonLaunch launch)
{
    JOBMILL_TRY_ASSIGN(const UniqueFd log, open_log(launch.log_path));
    const UniqueFd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    std::array<int, 2> pipe{};
    if (!null || ::pipe2(pipe.data(), O_CLOEXEC) != 0) {
        return fail_errno("preparing to start " + launch.program, errno);
    }
    const UniqueFd ours{pipe[0]};
    UniqueFd theirs{pipe[1]};
    LaunchedDaemon launched{.pid = 0, .process = {}, .log_start = ::lseek(log.get(), 0, SEEK_END)};
    const std::vector<char*> argv = pointers(launch.words);
    const std::vector<char*> variables = pointers(launch.environment);
    JOBMILL_TRY(fork_daemon({.program = launch.program.c_str(),
                             .argv = argv.data(),
                             .environment = variables.data(),
                             .null = null.get(),
                             .log = log.get(),
                             .report = theirs.get()}));
    theirs.reset();
    JOBMILL_TRY_ASSIGN(launched.pid, read_report(ours.get(), launch.program));
    // None when it has left already.
    launched.process.reset(static_cast<int>(::syscall(SYS_pidfd_open, launched.pid, 0)));
    return launched;
}

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
    if (is_program(JOBMILL_BINDIR "/jobmilld")) {
        return std::string{JOBMILL_BINDIR "/jobmilld"};
    }
    return fail(Errc::not_found,
                "jobmilld is neither beside this program, nor in $PATH, nor in " JOBMILL_BINDIR);
}

std::vector<std::string> clean_environment(std::span<const std::string> variables)
{
    constexpr auto wanted = std::to_array<std::string_view>(
        {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR",
         "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME",
         "XDG_DATA_HOME"});
    std::vector<std::string> kept;
    for (const std::string& variable : variables) {
        const std::string_view name = std::string_view{variable}.substr(0, variable.find('='));
        if (std::find(wanted.begin(), wanted.end(), name) != wanted.end() ||
            name.starts_with("LC_") || name.starts_with("JOBMILL_")) {
            kept.push_back(variable);
        }
    }
    return kept;
}

std::vector<std::string> own_environment()
{
    std::vector<std::string> variables;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        variables.emplace_back(*variable);
    }
    return variables;
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

std::string end_of_log(const std::string& path, off_t start)
{
    const UniqueFd log{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!log) {
        return {};
    }
    const off_t from = std::max(start, ::lseek(log.get(), 0, SEEK_END) - log_tail);
    std::string text(static_cast<std::size_t>(log_tail), '\0');
    const ssize_t got = ::pread(log.get(), text.data(), text.size(), from);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (from > start) {
        text.erase(0, text.find('\n') + 1);  // the rest of a line whose beginning is not shown
    }
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    return text;
}

}  // namespace jobmill
