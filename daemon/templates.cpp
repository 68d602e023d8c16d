// SPDX-License-Identifier: MIT
#include "daemon/templates.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "daemon/descriptor_limit.hpp"
#include "daemon/log.hpp"

namespace jobmill::daemon {
namespace {

/// A template may die once of what is not its fault; one that dies again as it loads is told of.
constexpr unsigned hopeless_starts = 2;

/// A template that has not answered for so long is killed. Forking takes milliseconds, even of a
/// large template.
constexpr std::chrono::seconds template_patience{10};

}  // namespace

Result<Command> worker_command(const PoolPlan& plan, int executable,
                               const std::vector<std::string>& mode)
{
    for (const std::string& file : plan.files) {
        if (::access(file.c_str(), R_OK) != 0) {
            return fail_errno(file, errno);
        }
    }
    std::vector<std::string> all = plan.command;
    const bool by_name = all.front().starts_with('/');
    all.insert(all.end(), mode.begin(), mode.end());
    all.emplace_back("--daemon-pid");
    all.push_back(std::to_string(::getpid()));
    if (!plan.socket.empty()) {
        all.emplace_back("--socket");
        all.push_back(plan.socket);
    }
    if (const auto limit = first_descriptor_limit()) {
        all.emplace_back("--command-descriptors");
        all.push_back(std::to_string(*limit));
    }
    all.insert(all.end(), plan.what_to_load.begin(), plan.what_to_load.end());
    return Command{.executable = by_name ? -1 : executable,
                   .arguments = std::move(all),
                   .environment = plan.environment};
}

void Templates::start(PoolId pool, const PoolPlan& plan, int executable)
{
    std::vector<std::string> mode{"--template"};
    if (plan.spawn) {
        mode.emplace_back("--allow-threads");
    }
    auto process = execute(pool, worker_command(plan, executable, mode));
    if (!process) {
        callbacks_.on_failed(pool, process.error().what);
        callbacks_.on_lost(pool);
        return;
    }
    log::debug("template started", {{"pool", plan.name}, {"pid", (*process)->pid()}});
    ++unready_starts_[pool];
    living_.insert_or_assign(pool, Living{.process = std::move(*process), .pool_name = plan.name});
}

Result<std::unique_ptr<TemplateProcess>> Templates::execute(PoolId pool,
                                                            const Result<Command>& command)
{
    if (!command) {
        return tl::unexpected<Error>(command.error());
    }
    return TemplateProcess::start(
        loop_, flush_list_, *command,
        {.on_loaded =
             [this, pool](const Value& body) {
                 unready_starts_[pool] = 0;
                 callbacks_.on_loaded(pool, body);
             },
         .on_refused = [this, pool](const std::string& why) { callbacks_.on_failed(pool, why); },
         .on_forked = [this, pool](const Forked& forked) { callbacks_.on_forked(pool, forked); },
         .on_gone = [this, pool](const ProcessExit& exit) { on_gone(pool, exit); }});
}

void Templates::on_gone(PoolId pool, const ProcessExit& exit)
{
    const auto gone = living_.find(pool);
    log::info("template left", {{"pool", gone->second.pool_name}, {"cause", exit.text()}});
    graveyard_.push_back(std::move(gone->second.process));
    living_.erase(gone);
    const bool hung = hung_.erase(pool) > 0;
    if (hung && unready_starts_[pool] > 0) {
        callbacks_.on_failed(pool, "its modules take too long to load: it was killed");
    } else if (unready_starts_[pool] >= hopeless_starts) {
        callbacks_.on_failed(pool, "its template leaves before it is ready: " + exit.text());
    }
    callbacks_.on_lost(pool);
}

TemplateProcess* Templates::find(PoolId pool) const
{
    const auto found = living_.find(pool);
    return found == living_.end() ? nullptr : found->second.process.get();
}

bool Templates::holds(pid_t pid) const
{
    return std::any_of(living_.begin(), living_.end(),
                       [&](const auto& entry) { return entry.second.process->pid() == pid; });
}

void Templates::kill_hung(PoolId pool)
{
    if (const auto found = living_.find(pool); found != living_.end()) {
        const Living& living = found->second;
        log::error("template hangs and is killed",
                   {{"pool", living.pool_name}, {"pid", living.process->pid()}});
        hung_.insert(pool);
        living.process->kill();
    }
}

std::vector<PoolId> Templates::probe()
{
    const auto now = loop::EventLoop::now();
    std::vector<PoolId> silent;
    for (const auto& [pool, living] : living_) {
        living.process->probe(now);
        if (living.process->silent_for(now) >= template_patience) {
            silent.push_back(pool);
        }
    }
    return silent;
}

bool Templates::answer() const
{
    const auto now = loop::EventLoop::now();
    return std::all_of(living_.begin(), living_.end(), [&](const auto& entry) {
        return entry.second.process->silent_for(now) < 2 * template_patience;
    });
}

void Templates::dismiss_all()
{
    for (const auto& [pool, living] : living_) {
        living.process->dismiss();
    }
}

void Templates::kill_all()
{
    for (const auto& [pool, living] : living_) {
        living.process->kill();
    }
}

}  // namespace jobmill::daemon
