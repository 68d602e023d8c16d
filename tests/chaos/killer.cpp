// SPDX-License-Identifier: MIT
#include "tests/chaos/killer.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>

#include "tests/support/daemon_under_test.hpp"

namespace jobmill::chaos {
namespace {

constexpr std::string_view worker_name = "jobmill-worker";
constexpr std::string_view template_name = "jobmill-tmpl";

constexpr std::int64_t milliseconds = 1'000'000;

bool signal(int process, int number)
{
    return ::syscall(SYS_pidfd_send_signal, process, number, nullptr, 0) == 0;
}

/// Its name, state and parent, as the kernel tells them; the parent is 0 when it is gone.
pid_t describe(Child& child)
{
    std::ifstream file{"/proc/" + std::to_string(child.pid) + "/stat"};
    std::string text;
    std::getline(file, text);
    const std::size_t open = text.find('(');
    const std::size_t close = text.rfind(')');
    if (open == std::string::npos || close == std::string::npos) {
        return 0;
    }
    child.name = text.substr(open + 1, close - open - 1);
    std::istringstream rest{text.substr(close + 1)};
    pid_t parent = 0;
    rest >> child.state >> parent;
    return parent;
}

}  // namespace

std::vector<Child> children_of_daemon(pid_t daemon)
{
    std::vector<Child> children;
    for (const pid_t pid : tests::children_of(daemon)) {
        Child child{.pid = pid,
                    .process = UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))}};
        // Whoever is held and has that parent now was its child all the time.
        if (child.process && describe(child) == daemon) {
            children.push_back(std::move(child));
        }
    }
    return children;
}

void Killer::strike(const std::vector<int>& clients)
{
    let_go();
    const std::uint64_t what = dice_.below(100);
    if (what < 80) {
        strike_child(worker_name);
    } else if (what < 86) {
        strike_child(template_name);
    } else if (what < 94) {
        strike_client(clients);
    }
}

void Killer::strike_child(std::string_view name)
{
    std::vector<Child> children = children_of_daemon(daemon_);
    std::erase_if(children,
                  [&](const Child& child) { return child.name != name || child.state == 'Z'; });
    if (children.empty()) {
        return;
    }
    const bool worker = name == worker_name;
    Child& child = children[dice_.below(children.size())];
    if (dice_.one_in(worker ? 8 : 2)) {
        stop(std::move(child.process), worker);
        return;
    }
    const std::int64_t now = now_ns();
    if (signal(child.process.get(), SIGKILL)) {
        (worker ? damage_.worker_kills : damage_.template_kills).push_back(now);
    }
}

void Killer::strike_client(const std::vector<int>& clients)
{
    if (clients.empty()) {
        return;
    }
    const int client = clients[dice_.below(clients.size())];
    if (dice_.one_in(2)) {
        stop(UniqueFd{::fcntl(client, F_DUPFD_CLOEXEC, 0)}, false);
    } else if (signal(client, SIGKILL)) {
        ++damage_.client_kills;
    }
}

void Killer::stop(UniqueFd process, bool worker)
{
    if (signal(process.get(), SIGSTOP)) {
        ++damage_.stops;
        const auto time = static_cast<std::int64_t>(dice_.between(1, 400)) * milliseconds;
        stopped_.push_back({std::move(process), now_ns() + time, worker});
    }
}

void Killer::let_go()
{
    const std::int64_t now = now_ns();
    std::erase_if(stopped_, [&](const Stopped& stopped) {
        if (stopped.until > now) {
            return false;
        }
        // Some die before they can go on.
        if (stopped.worker && dice_.one_in(4)) {
            if (signal(stopped.process.get(), SIGKILL)) {
                damage_.worker_kills.push_back(now);
            }
        }
        (void)signal(stopped.process.get(), SIGCONT);
        return true;
    });
}

void Killer::relent()
{
    for (const Stopped& stopped : stopped_) {
        (void)signal(stopped.process.get(), SIGCONT);
    }
    stopped_.clear();
}

}  // namespace jobmill::chaos
