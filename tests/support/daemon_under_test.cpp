// SPDX-License-Identifier: MIT
#include "tests/support/daemon_under_test.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <system_error>

namespace jobmill::tests {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const std::string& what)
{
    throw std::runtime_error{what + ": " + std::generic_category().message(errno)};
}

int milliseconds_until(Clock::time_point when)
{
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

UniqueFd open_process(pid_t pid)
{
    return UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}

/// True when the process has ended before that time.
bool await_end(int pidfd, Clock::time_point deadline)
{
    pollfd watched{pidfd, POLLIN, 0};
    while (true) {
        const int ready = ::poll(&watched, 1, milliseconds_until(deadline));
        if (ready >= 0 || errno != EINTR) {
            return ready > 0;
        }
    }
}

std::vector<char*> as_c(const std::vector<std::string>& texts)
{
    std::vector<char*> array;
    array.reserve(texts.size() + 1);
    for (const std::string& text : texts) {
        array.push_back(const_cast<char*>(text.c_str()));
    }
    array.push_back(nullptr);
    return array;
}

/// What start() does between fork() and exec: this program may have threads, so nothing that
/// allocates.
[[noreturn]] void become(char* const* words, int output, pid_t parent)
{
    (void)::setpgid(0, 0);
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (::getppid() == parent && ::dup2(nothing, STDIN_FILENO) >= 0 &&
        ::dup2(output, STDOUT_FILENO) >= 0 && ::dup2(output, STDERR_FILENO) >= 0) {
        (void)::execvp(words[0], words);
    }
    ::_exit(127);
}

/// In a process group of its own, with both outputs in that pipe. It dies with the thread that
/// calls this, whatever that dies of.
pid_t start(const std::vector<std::string>& words, int output)
{
    const std::vector<char*> as_words = as_c(words);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        give_up("starting " + words.front());
    }
    if (pid == 0) {
        become(as_words.data(), output, parent);
    }
    (void)::setpgid(pid, pid);  // whoever of the two comes first
    return pid;
}

/// The directories of this process. They outlive all that is destroyed at its end.
struct Places {
    std::mutex mutex;
    std::set<std::string> directories;

    static Places& all()
    {
        static auto* const places = new Places;
        return *places;
    }
};

std::string make_directory()
{
    std::string name = (std::filesystem::temp_directory_path() / "jobmill-e2e-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        give_up("making a directory");
    }
    return name;
}

}  // namespace

DaemonSetup with_descriptors(int count, const std::string& config)
{
    return {
        .config = config,
        .prefix = {"/bin/sh", "-c", "ulimit -n " + std::to_string(count) + R"(; exec "$@")", "sh"}};
}

Place::Place() : directory_(make_directory())
{
    const std::lock_guard lock{Places::all().mutex};
    Places::all().directories.insert(directory_);
}

Place::~Place()
{
    const std::lock_guard lock{Places::all().mutex};
    if (Places::all().directories.erase(directory_) > 0 && !kept_) {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
}

DaemonUnderTest::DaemonUnderTest(std::shared_ptr<Place> place, const DaemonSetup& setup)
    : place_(std::move(place)), socket_(setup.socket.empty() ? place_->socket() : setup.socket)
{
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        give_up("becoming a subreaper");
    }
    const std::string config = place_->directory() + "/jobmill.toml";
    std::ofstream{config} << setup.config;
    std::vector<std::string> words = setup.prefix;
    words.insert(words.end(), {JOBMILLD_PROGRAM, "--socket", socket_, "--state-dir",
                               place_->directory() + "/state", "--config", config});
    words.insert(words.end(), setup.arguments.begin(), setup.arguments.end());
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
        give_up("pipe");
    }
    UniqueFd ours{pipe[0]};
    const UniqueFd theirs{pipe[1]};
    pid_ = start(words, theirs.get());
    pidfd_ = open_process(pid_);
    log_reader_ = std::thread{[this, log = ours.release()] { read_log(UniqueFd{log}); }};
}

DaemonUnderTest::~DaemonUnderTest()
{
    if (running()) {
        kill_hard();
    }
    finish_log();
}

void DaemonUnderTest::read_log(UniqueFd pipe)
{
    std::ofstream file{place_->directory() + "/log", std::ios::app};
    std::array<char, 65536> buffer{};
    while (true) {
        const ssize_t size = ::read(pipe.get(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) {
            continue;
        }
        const std::lock_guard lock{mutex_};
        if (size <= 0) {
            log_ended_ = true;
            grown_.notify_all();
            return;
        }
        file.write(buffer.data(), size).flush();
        log_.append(buffer.data(), static_cast<std::size_t>(size));
        grown_.notify_all();
    }
}

void DaemonUnderTest::finish_log()
{
    if (log_reader_.joinable()) {
        log_reader_.join();
    }
}

std::string DaemonUnderTest::log() const
{
    const std::lock_guard lock{mutex_};
    return log_;
}

void DaemonUnderTest::await_log(std::string_view text)
{
    std::unique_lock lock{mutex_};
    const auto there = [&] { return log_ended_ || log_.find(text) != std::string::npos; };
    if (!grown_.wait_for(lock, patience, there) || log_.find(text) == std::string::npos) {
        throw std::runtime_error{"the daemon never said \"" + std::string{text} + "\":\n" + log_};
    }
}

void DaemonUnderTest::await_ready()
{
    await_log(" ready socket=");
}

void DaemonUnderTest::signal(int signal_number) const
{
    (void)::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal_number, nullptr, 0);
}

Departure DaemonUnderTest::await_departure()
{
    if (!await_end(pidfd_.get(), Clock::now() + patience)) {
        throw std::runtime_error{"the daemon does not leave:\n" + log()};
    }
    int status = 0;
    (void)::waitpid(pid_, &status, 0);
    pid_ = -1;
    Departure departure;
    if (WIFEXITED(status)) {
        departure.exit_code = WEXITSTATUS(status);
    } else {
        departure.signal = WTERMSIG(status);
    }
    finish_log();
    departure.log = log();
    return departure;
}

std::vector<std::string> DaemonUnderTest::stop()
{
    signal(SIGTERM);
    if (!await_end(pidfd_.get(), Clock::now() + patience)) {
        kill_hard();
        return {"it does not leave after SIGTERM"};
    }
    std::vector<std::string> faults;
    int status = 0;
    (void)::waitpid(pid_, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        faults.push_back(WIFEXITED(status)
                             ? "it left with code " + std::to_string(WEXITSTATUS(status))
                             : "it died of signal " + std::to_string(WTERMSIG(status)));
    }
    pid_ = -1;
    // It has to leave nobody behind: who is alive now was forgotten, even if he leaves soon.
    for (const pid_t child : children_of(::getpid())) {
        faults.push_back("it left process " + std::to_string(child) + " behind");
        (void)::kill(child, SIGKILL);
    }
    (void)reap_all(patience);
    finish_log();
    if (std::filesystem::exists(socket_)) {
        faults.push_back("it left its socket behind");
    }
    return faults;
}

void DaemonUnderTest::kill_hard()
{
    (void)::kill(-pid_, SIGKILL);
    (void)await_end(pidfd_.get(), Clock::now() + patience);
    (void)::waitpid(pid_, nullptr, 0);
    pid_ = -1;
    for (const pid_t child : reap_all(patience)) {
        (void)::kill(child, SIGKILL);
    }
    (void)reap_all(patience);
    finish_log();
}

std::vector<pid_t> children_of(pid_t pid)
{
    std::vector<pid_t> children;
    std::error_code error;
    const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
    for (auto task = std::filesystem::directory_iterator{tasks, error};
         !error && task != std::filesystem::directory_iterator{}; task.increment(error)) {
        std::ifstream list{task->path() / "children"};
        for (pid_t child = 0; list >> child;) {
            children.push_back(child);
        }
    }
    return children;
}

std::vector<pid_t> reap_all(std::chrono::milliseconds time)
{
    const auto deadline = Clock::now() + time;
    while (true) {
        pid_t reaped = 0;
        do {
            reaped = ::waitpid(-1, nullptr, WNOHANG);
        } while (reaped > 0);
        std::vector<pid_t> left = children_of(::getpid());
        if (reaped < 0 || left.empty()) {
            return {};
        }
        if (Clock::now() >= deadline) {
            return left;
        }
        const UniqueFd process = open_process(left.front());
        (void)await_end(process.get(), deadline);
    }
}

void leave_nothing()
{
    constexpr std::chrono::milliseconds a_moment{10};
    for (auto left = children_of(::getpid()); !left.empty(); left = reap_all(a_moment)) {
        for (const pid_t child : left) {
            (void)::kill(child, SIGKILL);
        }
    }
    const std::lock_guard lock{Places::all().mutex};
    for (const std::string& directory : Places::all().directories) {
        std::error_code ignored;
        std::filesystem::remove_all(directory, ignored);
    }
    Places::all().directories.clear();
}

}  // namespace jobmill::tests
