// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <system_error>
#include <utility>

#include "common/blob.hpp"
#include "common/exit_code.hpp"
#include "common/limits.hpp"
#include "common/signal_name.hpp"
#include "jobmill/cause_kind.hpp"
#include "worker/handlers/command.hpp"
#include "worker/handlers/handlers.hpp"
#include "worker/handlers/known_arguments.hpp"
#include "worker/handlers/peak_sampler.hpp"
#include "worker/handlers/quoted.hpp"
#include "worker/handlers/term_forwarder.hpp"
#include "worker/job_environment.hpp"
#include "worker/running_job.hpp"
#include "worker/stack_handler.hpp"

namespace jobmill::handlers {
namespace {

[[noreturn]] void fail_system(const char* doing)
{
    throw Failure{std::string{"exec: "} + doing + ": " + std::generic_category().message(errno)};
}

/// One stream of the command's output, on its way into chunks.
class Output {
public:
    explicit Output(Job::Stream stream) : stream_(stream)
    {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
            fail_system("pipe");
        }
        ours_.reset(ends[0]);
        theirs_.reset(ends[1]);
    }

    [[nodiscard]] int ours() const noexcept { return ours_.get(); }
    [[nodiscard]] int theirs() const noexcept { return theirs_.get(); }
    void started() noexcept { theirs_.reset(); }

    /// Passes on what one read gives; there must be something, or the end.
    void pump(Job& job, std::span<char> buffer)
    {
        const ssize_t size = ::read(ours_.get(), buffer.data(), buffer.size());
        if (size > 0) {
            job.emit(std::string_view{buffer.data(), static_cast<std::size_t>(size)}, stream_);
        } else if (size == 0 || errno != EINTR) {
            ours_.reset();
        }
    }

    /// Passes on what is in the pipe now. Not what comes later: others may hold it open.
    void drain(Job& job, std::span<char> buffer)
    {
        int size = 0;
        if (!ours_ || ::ioctl(ours_.get(), FIONREAD, &size) != 0) {
            return;
        }
        for (auto rest = static_cast<std::size_t>(size); rest > 0 && ours_;) {
            const std::size_t part = std::min(rest, buffer.size());
            pump(job, buffer.first(part));
            rest -= part;
        }
    }

private:
    Job::Stream stream_;
    UniqueFd ours_;
    UniqueFd theirs_;
};

/// Whether the blob ends where the payload does. Clients lend blobs that have room for more, and
/// what lies in the rest may be of an earlier job.
bool ends_with_payload(int blob, const Job& job)
{
    struct stat status {};
    return ::fstat(blob, &status) == 0 &&
           static_cast<std::uint64_t>(status.st_size) == job.payload().size();
}

/// The payload as a file at its beginning. A blob is opened anew: its descriptor's position and
/// its being writable are others' business.
UniqueFd standard_input(const Job& job)
{
    UniqueFd input;
    const auto blob = job.payload_descriptor();
    if (job.payload().empty()) {
        input.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    } else if (blob && ends_with_payload(*blob, job)) {
        const std::string path = "/proc/self/fd/" + std::to_string(*blob);
        input.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    } else if (auto memory = make_blob(job.payload().size())) {
        if (!write_blob(memory->get(), 0, job.bytes())) {
            fail_system("copying the payload");
        }
        input = std::move(*memory);
    }
    if (!input) {
        fail_system("standard input");
    }
    return input;
}

/// Readable when the process has ended. (The library's own call cannot be linked from C++ yet.)
UniqueFd open_process(pid_t pid)
{
    UniqueFd process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))};
    if (!process) {
        fail_system("pidfd_open");
    }
    return process;
}

std::vector<std::string> texts(const Job& job, const char* name)
{
    std::vector<std::string> all;
    for (const std::string_view text : job.texts(name).value_or(std::vector<std::string_view>{})) {
        if (text.find('\0') != std::string_view::npos) {
            throw Failure{std::string{"exec: a zero byte in "} + name + ": " + quoted(text)};
        }
        all.emplace_back(text);
    }
    return all;
}

std::vector<std::string> environment(const Job& job)
{
    std::vector<std::string> all = texts(job, "env");
    for (const std::string& variable : all) {
        if (variable.find('=') == std::string::npos) {
            throw Failure{"exec: env wants \"NAME=value\", not " + quoted(variable)};
        }
    }
    if (!job.texts("env")) {
        for (char** variable = environ; *variable != nullptr; ++variable) {
            all.emplace_back(*variable);
        }
    }
    add_job_names(all);
    return all;
}

/// As the shell writes it: 022, 0077.
std::optional<mode_t> mask(const Job& job)
{
    constexpr mode_t most = 0777;
    constexpr std::size_t most_digits = 4;
    const auto text = job.optional_text("umask");
    if (!text) {
        return {};
    }
    mode_t mask = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), mask, 8);
    if (error != std::errc{} || end != text->data() + text->size() || mask > most ||
        text->size() > most_digits) {
        throw Failure{"exec: umask wants octal digits such as \"022\", not " + quoted(*text)};
    }
    return mask;
}

Command command_of(const Job& job)
{
    require_known(job, "exec", {"argv", "cwd", "env", "umask"});
    Command command;
    command.argv = texts(job, "argv");
    if (command.argv.empty()) {
        throw Failure{"exec: argument \"argv\" is missing: the command, as a list of texts"};
    }
    command.environment = environment(job);
    command.directory = job.text("cwd", "");
    command.mask = mask(job);
    command.limits = running_job().limits;
    return command;
}

/// A command from its start to its reaping, whatever is thrown between.
class RunningCommand {
public:
    RunningCommand(TermForwarder& forwarder, pid_t pid) : forwarder_(forwarder), pid_(pid)
    {
        forwarder_.begin(pid_);
        note_running_command(pid_);
    }
    ~RunningCommand()
    {
        rusage ignored{};
        (void)reap(ignored);
    }
    RunningCommand(const RunningCommand&) = delete;
    RunningCommand& operator=(const RunningCommand&) = delete;

    /// Once; what is left of it is killed. Its raw status.
    int reap(rusage& used)
    {
        int status = 0;
        if (pid_ == 0) {
            return status;
        }
        forwarder_.end();
        note_running_command(0);
        // Its group before its reaping, or the number might be another's.
        (void)::kill(-pid_, SIGKILL);
        (void)::wait4(std::exchange(pid_, 0), &status, 0, &used);
        return status;
    }

private:
    TermForwarder& forwarder_;
    pid_t pid_;
};

/// Passes the output on until the command has ended; it is left unreaped. Whatever the command
/// does, the worker is seen to live.
void stream_until_end(Job& job, int process, PeakSampler& sampler, std::array<Output, 2>& outputs)
{
    std::vector<char> buffer(limits::inline_payload);
    std::array<pollfd, 3> watched{};
    while ((watched[2].revents & POLLIN) == 0) {
        watched = {
            {{outputs[0].ours(), POLLIN, 0}, {outputs[1].ours(), POLLIN, 0}, {process, POLLIN, 0}}};
        const auto wait = static_cast<int>(sampler.look().count());
        job.alive();
        if (::poll(watched.data(), watched.size(), wait) < 0) {
            continue;
        }
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            if (watched[i].revents != 0) {
                outputs[i].pump(job, buffer);
            }
        }
    }
    for (Output& output : outputs) {
        output.drain(job, buffer);
    }
}

/// Which limit a command died of, or none. The kernel kills one that ignores SIGXCPU.
std::string_view limit_behind(int signal_number, const rusage& used)
{
    const JobLimits& limits = running_job().limits;
    const auto cpu_ms =
        static_cast<std::uint64_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
        static_cast<std::uint64_t>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
    if (limits.cpu_ms != unlimited &&
        (signal_number == SIGXCPU || (signal_number == SIGKILL && cpu_ms > limits.cpu_ms))) {
        return limit_name::cpu;
    }
    return limits.file_size != unlimited && signal_number == SIGXFSZ ? limit_name::file_size : "";
}

/// The same of one that left with a code: so a shell tells that its own command died of the signal.
std::string_view limit_behind_code(int code)
{
    const JobLimits& limits = running_job().limits;
    if (limits.cpu_ms != unlimited && code == exit_code::signal_base + SIGXCPU) {
        return limit_name::cpu;
    }
    return limits.file_size != unlimited && code == exit_code::signal_base + SIGXFSZ
               ? limit_name::file_size
               : "";
}

void judge(int status, const rusage& used, const std::string& program)
{
    if (WIFSIGNALED(status)) {
        running_job().limit_reached = limit_behind(WTERMSIG(status), used);
        throw Failure::signal(WTERMSIG(status), WCOREDUMP(status),
                              program + ": " + signal_name(WTERMSIG(status)));
    }
    if (const int code = WEXITSTATUS(status); code != 0) {
        running_job().limit_reached = limit_behind_code(code);
        throw Failure::exit(code, program + ": exit code " + std::to_string(code));
    }
}

}  // namespace

void exec(Job& job)
{
    Command command = command_of(job);
    std::array<Output, 2> outputs{Output{Job::Stream::out}, Output{Job::Stream::err}};
    const UniqueFd input = standard_input(job);
    command.standard_input = input.get();
    command.standard_output = outputs[0].theirs();
    command.standard_error = outputs[1].theirs();

    TermForwarder forwarder;
    const pid_t pid = start(command);
    RunningCommand running{forwarder, pid};
    const UniqueFd process = open_process(pid);
    for (Output& output : outputs) {
        output.started();
    }
    PeakSampler sampler{pid};
    stream_until_end(job, process.get(), sampler, outputs);
    rusage used{};
    const int status = running.reap(used);
    sampler.take_last(used);
    running_job().command_peak_rss = sampler.peak();
    judge(status, used, command.argv.front());
}

}  // namespace jobmill::handlers
