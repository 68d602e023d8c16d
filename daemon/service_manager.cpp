// SPDX-License-Identifier: MIT
#include "daemon/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include <systemd/sd-daemon.h>

#include "daemon/log.hpp"
#include "daemon/loop/event_loop.hpp"

namespace jobmill::daemon {
namespace {

/// A stop that hangs is noticed after the extension; a busy machine may delay a request or two.
constexpr std::chrono::seconds extension{10};
constexpr std::chrono::seconds extension_period{2};

/// How soon a manager that is busy is told again, and how much is kept for it.
constexpr std::chrono::milliseconds telling_period{50};
constexpr std::size_t most_kept = 16;

std::string extension_request()
{
    return "EXTEND_TIMEOUT_USEC=" +
           std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(extension).count());
}

/// The address of a notify socket: a path, or an abstract name after an @.
Result<sockaddr_un> address_of(const std::string& name)
{
    sockaddr_un address{};
    const bool known = name.starts_with('/') || name.starts_with('@');
    if (!known || name.size() >= sizeof address.sun_path) {
        return fail(Errc::invalid, "NOTIFY_SOCKET: \"" + name + "\" is no address of a socket");
    }
    address.sun_family = AF_UNIX;
    name.copy(static_cast<char*>(address.sun_path), name.size());
    if (name.starts_with('@')) {
        address.sun_path[0] = '\0';
    }
    return address;
}

}  // namespace

Result<ServiceManager> ServiceManager::from_environment()
{
    ServiceManager manager;
    // Read once at start, before there is any thread. NOLINTNEXTLINE(concurrency-mt-unsafe)
    if (const char* name = std::getenv("NOTIFY_SOCKET"); name != nullptr) {
        manager.address_ = name;
        (void)::unsetenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe)
        JOBMILL_TRY(address_of(manager.address_));
        manager.notify_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (!manager.notify_) {
            return fail_errno("socket", errno);
        }
    }
    std::uint64_t period = 0;
    const int watched = ::sd_watchdog_enabled(1, &period);
    if (watched < 0) {
        return fail_errno("WATCHDOG_USEC and WATCHDOG_PID", -watched);
    }
    if (watched > 0) {
        manager.watchdog_ = std::chrono::microseconds{static_cast<std::int64_t>(period)};
    }
    const int passed = ::sd_listen_fds(1);
    if (passed < 0) {
        return fail_errno("LISTEN_FDS and LISTEN_PID", -passed);
    }
    for (int i = 0; i < passed; ++i) {
        manager.sockets_.emplace_back(SD_LISTEN_FDS_START + i);
    }
    return manager;
}

Result<void> ServiceManager::attach(loop::EventLoop& loop, std::function<bool()> healthy)
{
    healthy_ = std::move(healthy);
    JOBMILL_TRY_ASSIGN(auto telling, loop::Timer::create(loop, [this] { tell_rest(); }));
    telling_ = std::make_unique<loop::Timer>(std::move(telling));
    JOBMILL_TRY_ASSIGN(auto extending, loop::Timer::create(loop, [this] { extend(); }));
    extending_ = std::make_unique<loop::Timer>(std::move(extending));
    if (watchdog_.count() > 0) {
        JOBMILL_TRY_ASSIGN(auto feeding, loop::Timer::create(loop, [this] { feed(); }));
        feeding_ = std::make_unique<loop::Timer>(std::move(feeding));
        const auto third = std::chrono::duration_cast<std::chrono::milliseconds>(watchdog_ / 3);
        feeding_->start_repeating(std::max(third, std::chrono::milliseconds{1}));
        feed();
    }
    return {};
}

/// False when the manager has no room for it now. Any other failure is final: there is nobody to
/// tell, and the manager's own clocks decide.
bool ServiceManager::send(const std::string& words) const
{
    const auto address = address_of(address_);
    if (!address) {
        return true;
    }
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
    // Not sd_notify(): it waits as long as the manager does not read.
    const ssize_t sent =
        ::sendto(notify_.get(), words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                 static_cast<const sockaddr*>(static_cast<const void*>(&*address)), size);
    return sent >= 0 || (errno != EAGAIN && errno != ENOBUFS && errno != EINTR);
}

void ServiceManager::tell(std::string words, Lost lost)
{
    if (rest_.empty() && send(words)) {
        return;
    }
    if (lost == Lost::kept && rest_.size() < most_kept) {
        rest_.push_back(std::move(words));
        if (telling_ && !telling_->active()) {
            telling_->start_repeating(telling_period);
        }
    }
}

void ServiceManager::tell_rest()
{
    while (!rest_.empty() && send(rest_.front())) {
        rest_.pop_front();
    }
    if (rest_.empty()) {
        telling_->stop();
    }
}

void ServiceManager::starting()
{
    starting_ = true;
    extending_->start_repeating(extension_period);
}

void ServiceManager::ready(const std::string& status)
{
    if (std::exchange(starting_, false)) {
        extending_->stop();
    }
    tell("READY=1\nSTATUS=" + status, Lost::kept);
}

void ServiceManager::reloading()
{
    const auto now = loop::EventLoop::now().time_since_epoch();
    tell("RELOADING=1\nMONOTONIC_USEC=" +
             std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(now).count()) +
             "\nSTATUS=reading the configuration again",
         Lost::kept);
}

void ServiceManager::stopping(const std::string& status)
{
    starting_ = false;
    tell("STOPPING=1\n" + extension_request() + "\nSTATUS=" + status, Lost::kept);
    if (extending_) {
        extending_->start_repeating(extension_period);
    }
}

void ServiceManager::status(const std::string& text)
{
    tell("STATUS=" + text, Lost::kept);
}

void ServiceManager::feed()
{
    if (healthy_()) {
        starving_ = false;
        tell("WATCHDOG=1", Lost::dropped);
        return;
    }
    if (!starving_) {
        starving_ = true;
        log::error("watchdog not fed", {{"cause", "a part of the daemon does not answer"}});
    }
}

void ServiceManager::extend()
{
    tell(extension_request(), Lost::dropped);
}

bool for_daemon_alone(std::string_view entry)
{
    static constexpr auto names = std::to_array<std::string_view>(
        {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID",
         "LISTEN_FDNAMES", "JOURNAL_STREAM", "MAINPID", "MANAGERPID", "SYSTEMD_EXEC_PID"});
    return std::find(names.begin(), names.end(), entry.substr(0, entry.find('='))) != names.end();
}

}  // namespace jobmill::daemon
