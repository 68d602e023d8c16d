// SPDX-License-Identifier: MIT
#include "client/starter.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "client/connect.hpp"
#include "client/daemon_launch.hpp"
#include "client/socket_holder.hpp"
#include "client/user_unit.hpp"
#include "common/fd_io.hpp"
#include "common/places.hpp"

namespace jobmill {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

/// Between two looks: a daemon binds its socket some milliseconds after it was executed.
constexpr Milliseconds short_pause{2};
/// Which the clock can count.
constexpr Milliseconds longest_patience{std::chrono::hours{24 * 365}};
constexpr Milliseconds long_pause{20};
/// Starting is not worth a word before.
constexpr Milliseconds slow{1000};
/// A unit that was started is asked so often whether it has failed.
constexpr Milliseconds unit_pause{300};
constexpr unsigned journal_lines = 6;
/// A daemon that stops finishes its jobs first; the next one may be waited for meanwhile, at its
/// socket too where a service manager listens.
constexpr Milliseconds patience_in_line = std::chrono::minutes{10};

std::string why_silent(const std::string& log)
{
    struct statvfs status {};
    const bool full = ::statvfs(log.c_str(), &status) == 0 && status.f_bavail == 0;
    return full ? ", and says nothing: no space is left there" : ", and says nothing";
}

void replace_variable(std::vector<std::string>& variables, const std::string& by)
{
    const std::string name = by.substr(0, by.find('=') + 1);
    std::erase_if(variables, [&](const std::string& old) { return old.starts_with(name); });
    variables.push_back(by);
}

class Starter {
public:
    explicit Starter(StartRequest request)
        : request_(std::move(request)),
          place_(current_surroundings()),
          began_(Clock::now()),
          since_(began_),
          next_unit_look_(began_)
    {
    }

    Result<StartReport> run();

private:
    enum class Answer { alive, absent };

    Result<void> make_socket_directory();
    Result<Answer> ask();
    Result<bool> wait_for_answer(int socket);
    Result<void> take_lock();
    Result<void> advance();
    Result<void> launch();
    Result<void> start_unit(const char* unit);
    [[nodiscard]] Result<std::string> log_path() const;
    Result<void> launch_process();
    Result<void> judge_process();
    Result<void> judge_unit();
    Result<short> wait(int fd, Milliseconds time);
    [[nodiscard]] Error too_late() const;
    [[nodiscard]] Milliseconds pause_time() const
    {
        return Clock::now() - began_ < slow ? short_pause : long_pause;
    }
    [[nodiscard]] Milliseconds patience() const
    {
        const bool in_line = !started_ && (leaving_ || queued_);
        const Milliseconds wanted = std::min(request_.options.patience, longest_patience);
        return in_line ? std::max(wanted, patience_in_line) : wanted;
    }
    void say_when_slow();

    StartRequest request_;
    Surroundings place_;
    StartReport report_;
    UniqueFd lock_;
    LaunchedDaemon launched_;
    Clock::time_point began_;
    Clock::time_point since_;  ///< what we wait for now
    Clock::time_point next_unit_look_;
    bool started_ = false;  ///< by us, and it has not failed so far
    bool said_ = false;
    bool queued_ = false;           ///< somebody listens, and has not answered so far
    std::optional<pid_t> leaving_;  ///< a daemon that holds the place without listening
};

Result<StartReport> Starter::run()
{
    JOBMILL_TRY(check_socket_path(request_.socket));
    JOBMILL_TRY(make_socket_directory());
    while (true) {
        JOBMILL_TRY_ASSIGN(const Answer answer, ask());
        if (answer == Answer::alive) {
            return report_;
        }
        if (!lock_) {
            JOBMILL_TRY(take_lock());
            if (lock_) {
                continue;  // who had it before us may have started one
            }
        } else {
            JOBMILL_TRY(advance());
        }
        JOBMILL_TRY_ASSIGN(const short left, wait(launched_.process.get(), pause_time()));
        (void)left;
    }
}

Result<void> Starter::make_socket_directory()
{
    const std::string directory = request_.socket.substr(0, request_.socket.rfind('/'));
    if (directory.empty()) {
        return {};
    }
    JOBMILL_TRY(check_runtime_dir(place_, request_.socket, ::geteuid()));
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
        const bool runtime =
            !place_.runtime_dir.empty() && request_.socket.starts_with(place_.runtime_dir + "/");
        const auto failure = fail_errno("making the socket's directory " + directory, errno);
        return fail(
            failure.value().code,
            failure.value().what +
                (runtime ? "; XDG_RUNTIME_DIR should be a directory of your own, or unset" : ""));
    }
    return check_socket_dir(directory, ::geteuid());
}

/// A daemon answers a ping as soon as its pools have loaded; it listens long before.
Result<Starter::Answer> Starter::ask()
{
    auto socket = connect_to(request_.socket);
    while (!socket && socket.error().code == Errc::in_use) {
        queued_ = true;
        JOBMILL_TRY_ASSIGN(const short nothing, wait(-1, short_pause));
        (void)nothing;
        socket = connect_to(request_.socket);
    }
    if (!socket) {
        return socket.error().code == Errc::not_found ? Result<Answer>{Answer::absent}
                                                      : tl::unexpected<Error>(socket.error());
    }
    if (!send_all(socket->get(), bytes_of("{\"op\":\"ping\"}\n"))) {
        return Answer::absent;
    }
    queued_ = true;
    JOBMILL_TRY_ASSIGN(const bool alive, wait_for_answer(socket->get()));
    queued_ = false;
    return alive ? Answer::alive : Answer::absent;
}

/// False when the daemon leaves without a word, as one does that was about to stop.
Result<bool> Starter::wait_for_answer(int socket)
{
    while (true) {
        JOBMILL_TRY_ASSIGN(const short ready, wait(socket, unit_pause));
        if (ready != 0) {
            std::array<char, 64> answer{};
            return ::recv(socket, answer.data(), answer.size(), 0) > 0;
        }
    }
}

/// Not waiting for it: the daemon may answer before whoever holds the lock lets go of it.
Result<void> Starter::take_lock()
{
    const std::string path = request_.socket + ".start";
    UniqueFd lock{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!lock) {
        return fail_errno("lock file " + path, errno);
    }
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) {
        lock_ = std::move(lock);
    } else if (errno != EWOULDBLOCK && errno != EINTR) {
        return fail_errno("locking " + path, errno);
    }
    return {};
}

/// With the lock, and without an answer.
Result<void> Starter::advance()
{
    if (started_) {
        return report_.how == StartReport::How::unit ? judge_unit() : judge_process();
    }
    leaving_ = socket_holder(request_.socket);
    return leaving_ ? Result<void>{} : launch();
}

Result<void> Starter::launch()
{
    JOBMILL_TRY(wait(-1, Milliseconds{0}));  // not for somebody who has left meanwhile
    started_ = true;
    leaving_.reset();
    since_ = Clock::now();
    if (request_.options.unit && request_.socket == own_socket_path(place_)) {
        if (const auto unit = find_user_unit(place_.runtime_dir); unit && unit->installed()) {
            report_.how = StartReport::How::unit;
            report_.unit = unit->to_start();
            next_unit_look_ = Clock::now() + unit_pause;
            return start_unit(unit->to_start());
        }
    }
    return launch_process();
}

Result<void> Starter::start_unit(const char* unit)
{
    auto started = control_user_unit("start", unit, request_.options.patience);
    if (!started) {
        const std::string said = end_of_journal(journal_lines);
        return fail(started.error().code, started.error().what + (said.empty() ? "" : "\n" + said));
    }
    return {};
}

/// The place of the log, in a directory that is there.
Result<std::string> Starter::log_path() const
{
    if (!request_.log_path.empty()) {
        return request_.log_path;
    }
    const std::string state = user_state_dir(place_);
    if (state.front() != '/') {
        return fail(Errc::invalid, "state directory \"" + state +
                                       "\" is not absolute; HOME or XDG_STATE_HOME should be");
    }
    auto usable = make_private_directory(state);
    std::string log = state + "/daemon.log";
    if (usable && ::access(state.c_str(), W_OK) != 0 && ::access(log.c_str(), W_OK) != 0) {
        usable = fail_errno("the log " + log, errno);
    }
    if (!usable) {
        return fail(usable.error().code,
                    usable.error().what + "; XDG_STATE_HOME may name a place that can be written");
    }
    return log;
}

Result<void> Starter::launch_process()
{
    JOBMILL_TRY_ASSIGN(const std::string program, find_daemon());
    JOBMILL_TRY_ASSIGN(report_.log_path, log_path());
    report_.how = StartReport::How::process;
    DaemonLaunch launch{.program = program,
                        .words = {"jobmilld", "--socket", request_.socket},
                        .environment = clean_environment(own_environment()),
                        .log_path = report_.log_path};
    if (!request_.options.idle_timeout.empty()) {
        launch.words.insert(launch.words.end(), {"--idle-timeout", request_.options.idle_timeout});
    }
    launch.words.insert(launch.words.end(), request_.words.begin(), request_.words.end());
    replace_variable(launch.environment,
                     std::string{started_by_variable} + "=" + request_.started_by);
    for (const std::string& variable : request_.environment) {
        replace_variable(launch.environment, variable);
    }
    JOBMILL_TRY_ASSIGN(launched_, launch_daemon(std::move(launch)));
    return {};
}

Result<void> Starter::judge_process()
{
    pollfd left{launched_.process.get(), POLLIN, 0};
    if (launched_.process && ::poll(&left, 1, 0) == 0) {
        return {};
    }
    if (socket_holder(request_.socket)) {
        started_ = false;  // somebody else's daemon was faster, or is not gone yet
        report_ = {};
        launched_ = {};
        return {};
    }
    const std::string said = end_of_log(report_.log_path, launched_.log_start);
    return fail(Errc::system, "jobmilld did not start; its log is " + report_.log_path +
                                  (said.empty() ? why_silent(report_.log_path) : "\n" + said));
}

Result<void> Starter::judge_unit()
{
    if (Clock::now() < next_unit_look_) {
        return {};
    }
    next_unit_look_ = Clock::now() + unit_pause;
    const auto unit = find_user_unit(place_.runtime_dir);
    if (!unit || unit->service_state != "failed") {
        return {};
    }
    const std::string said = end_of_journal(journal_lines);
    return fail(Errc::system, std::string{"the unit "} + service_unit +
                                  " has failed; see: jobmill daemon log" +
                                  (said.empty() ? "" : "\n" + said));
}

/// Until the descriptor is readable, or so long. Ends with an error when all time is over, or the
/// caller wants it no more.
Result<short> Starter::wait(int fd, Milliseconds time)
{
    say_when_slow();
    if (Clock::now() - since_ >= patience()) {
        return tl::unexpected<Error>(too_late());
    }
    std::array<pollfd, 2> fds{pollfd{fd, POLLIN, 0}, pollfd{request_.options.cancel_fd, POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), static_cast<int>(time.count())) < 0 && errno != EINTR) {
        return fail_errno("poll", errno);
    }
    if (fds[1].revents != 0) {
        return fail(Errc::closed, "interrupted while waiting for jobmilld");
    }
    return fds[0].revents;
}

Error Starter::too_late() const
{
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience()).count();
    const std::string time = " in " + std::to_string(seconds) + " s";
    if (leaving_) {
        return {Errc::in_use, "jobmilld (pid " + std::to_string(*leaving_) +
                                  ") is stopping and was not gone" + time +
                                  "; it may wait for running jobs"};
    }
    if (!started_) {
        return {Errc::system, "jobmilld has not answered" + time};
    }
    if (report_.how == StartReport::How::unit) {
        return {Errc::system, report_.unit + " was started and has not answered" + time +
                                  "; see: jobmill daemon log"};
    }
    const std::string said = end_of_log(report_.log_path, launched_.log_start);
    return {Errc::system, "jobmilld (pid " + std::to_string(launched_.pid) +
                              ") was started and has not answered" + time + "; its log is " +
                              report_.log_path + (said.empty() ? "" : "\n" + said)};
}

void Starter::say_when_slow()
{
    if (said_ || !request_.options.on_slow || Clock::now() - began_ < slow) {
        return;
    }
    said_ = true;
    if (leaving_) {
        request_.options.on_slow("waiting for jobmilld (pid " + std::to_string(*leaving_) +
                                 ") to stop");
    } else if (report_.how == StartReport::How::process) {
        request_.options.on_slow("starting jobmilld; its log is " + report_.log_path);
    } else {
        request_.options.on_slow("waiting for jobmilld to answer");
    }
}

}  // namespace

Result<StartReport> ensure_daemon(StartRequest request)
{
    return Starter{std::move(request)}.run();
}

}  // namespace jobmill
