// SPDX-License-Identifier: MIT
#include "daemon/service_manager.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include <systemd/sd-daemon.h>

#include "daemon/log.hpp"
#include "daemon/loop/event_loop.hpp"

namespace jobmill::daemon {
namespace {

/// A stop that hangs is noticed after the extension; a busy machine may delay a request or two.
constexpr std::chrono::seconds extension{10};
constexpr std::chrono::seconds extension_period{2};

/// Waits while the manager's queue is full: it holds hundreds, and we send a few a minute.
void notify(const std::string& words)
{
    (void)::sd_notify(0, words.c_str());
}

std::string extension_request()
{
    return "EXTEND_TIMEOUT_USEC=" +
           std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(extension).count());
}

}  // namespace

Result<ServiceManager> ServiceManager::from_environment()
{
    ServiceManager manager;
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

void ServiceManager::ready(const std::string& status)
{
    notify("READY=1\nSTATUS=" + status);
}

void ServiceManager::reloading()
{
    const auto now = loop::EventLoop::now().time_since_epoch();
    notify("RELOADING=1\nMONOTONIC_USEC=" +
           std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(now).count()) +
           "\nSTATUS=reading the configuration again");
}

void ServiceManager::stopping(const std::string& status)
{
    notify("STOPPING=1\n" + extension_request() + "\nSTATUS=" + status);
    if (extending_) {
        extending_->start_repeating(extension_period);
    }
}

void ServiceManager::status(const std::string& text)
{
    notify("STATUS=" + text);
}

void ServiceManager::feed()
{
    if (healthy_()) {
        starving_ = false;
        notify("WATCHDOG=1");
        return;
    }
    if (!starving_) {
        starving_ = true;
        log::error("watchdog not fed", {{"cause", "a part of the daemon does not answer"}});
    }
}

void ServiceManager::extend()
{
    notify(extension_request());
}

bool for_daemon_alone(std::string_view entry)
{
    static constexpr auto names = std::to_array<std::string_view>(
        {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID",
         "LISTEN_FDNAMES", "JOURNAL_STREAM", "MAINPID", "MANAGERPID", "SYSTEMD_EXEC_PID"});
    return std::find(names.begin(), names.end(), entry.substr(0, entry.find('='))) != names.end();
}

}  // namespace jobmill::daemon
