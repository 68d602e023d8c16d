// SPDX-License-Identifier: MIT
#include "daemon/supervisor.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "common/assert.hpp"
#include "common/exit_code.hpp"
#include "daemon/config_views.hpp"
#include "daemon/cpu_budget.hpp"
#include "daemon/log.hpp"
#include "daemon/pool_plan.hpp"
#include "daemon/status_report.hpp"
#include "jobmill/cause_kind.hpp"

namespace jobmill::daemon {

Supervisor::Supervisor(loop::EventLoop& loop, Setup setup)
    : loop_(loop),
      system_(setup.system),
      user_(std::move(setup.user)),
      cores_(usable_cores()),
      socket_path_(setup.place.path()),
      started_(loop::EventLoop::now()),
      job_ids_(std::move(setup.job_ids)),
      service_(std::move(setup.service)),
      pools_(pool_names(setup.config)),
      desk_(
          desk_limits(setup.config, setup.system),
          JobDesk::Outside{.core = core_,
                           .pools = pools_,
                           .post = [this](const core::Event& event) { post(event); },
                           .post_at = [this](const core::Event& event,
                                             core::TimePoint now) { post(event, now); },
                           .session = [this](SessionId session) { return sessions_.find(session); },
                           .next_job = [this] { return job_ids_.next(); },
                           .now = [this] { return now(); },
                           .cause_of_death =
                               [this](WorkerId worker) {
                                   const WorkerProcess* process = processes_.worker(worker);
                                   return process == nullptr ? Cause{.kind = cause_kind::lost}
                                                             : process->cause_of_death();
                               },
                           .traces =
                               [this](WorkerId worker) {
                                   const WorkerProcess* process = processes_.worker(worker);
                                   return process == nullptr ? Cause{} : process->traces();
                               },
                           .usage_of =
                               [this](WorkerId worker) {
                                   const WorkerProcess* process = processes_.worker(worker);
                                   return process == nullptr ? Usage{} : process->usage();
                               },
                           .pause =
                               [this](WorkerId worker, bool paused) {
                                   if (WorkerProcess* process = processes_.worker(worker)) {
                                       process->pause_reading(paused);
                                   }
                               },
                           .returned =
                               [this](WorkerId worker, JobId job) {
                                   if (WorkerProcess* process = processes_.worker(worker)) {
                                       process->returned(job);
                                   }
                               },
                           .progress = [this](WorkerId worker) -> std::optional<ProgressReading> {
                               const WorkerProcess* process = processes_.worker(worker);
                               return process == nullptr ? std::nullopt : process->progress();
                           }}),
      processes_(
          loop, flush_list_, std::move(setup.worker_program), std::move(setup.cgroups),
          Processes::Callbacks{
              .post = [this](const core::Event& event) { post(event); },
              .on_loaded = [this](PoolId pool, const Value& body) { on_loaded(pool, body); },
              .on_template_failed =
                  [this](PoolId pool, const std::string& why) { on_template_failed(pool, why); },
              .on_workers_failed = [this](PoolId pool,
                                          const std::string& why) { on_workers_failed(pool, why); },
              .on_workers_back = [this](PoolId pool) { on_workers_back(pool); },
              .on_report =
                  [this](WorkerId worker, WorkerReport& report, UniqueFd blob, bool more) {
                      reports_.take(worker, report, std::move(blob), more);
                  }}),
      reports_(WorkerReports::Outside{.core = core_,
                                      .desk = desk_,
                                      .processes = processes_,
                                      .post = [this](const core::Event& event) { post(event); }}),
      adjustments_(Adjustments::Outside{.pools = pools_,
                                        .desk = desk_,
                                        .post = [this](const core::Event& event) { post(event); }}),
      administration_(Administration::Outside{
          .pools = pools_,
          .status = [this](const Identity& client,
                           const std::vector<JobId>& wanted) { return status(client, wanted); },
          .reload =
              [this](SessionId session, Tag tag) {
                  reloader_.request(Reloader::Asker{.session = session, .tag = tag});
              },
          .adjust = [this](const AdjustRequest& request) { return adjustments_.adjust(request); }}),
      sessions_(loop, flush_list_, std::move(setup.place),
                session_limits(setup.config, setup.system),
                ClientSession::Outside{
                    .desk = desk_,
                    .pools = pools_,
                    .held_accepts = held_accepts_,
                    .administer =
                        [this](ClientSession& session, Tag tag, const Request& request) {
                            administration_.answer(session, tag, request);
                        },
                    .closing = [this] { return closing_; },
                    .over = {}}),
      reloader_(std::move(setup.config),
                Reloader::Outside{
                    .pools = pools_,
                    .processes = processes_,
                    .desk = desk_,
                    .post = [this](const core::Event& event) { post(event); },
                    .read_again = std::move(setup.read_again),
                    .max_running = [this] { return adjustments_.max_running(); },
                    .adopt = [this](const Config& config) { adopt(config); },
                    .session = [this](SessionId session) { return sessions_.find(session); },
                    .begun = [this] { service_.reloading(); },
                    .over =
                        [this] {
                            health_->pools_changed();
                            service_.ready(summary(pools_, user_));
                        },
                    .file = std::move(setup.config_file),
                    .socket = socket_path_,
                    .python = std::move(setup.python),
                    .cores = cores_,
                    .system = system_})
{
}

Result<std::unique_ptr<Supervisor>> Supervisor::create(loop::EventLoop& loop, Setup setup)
{
    std::unique_ptr<Supervisor> supervisor{new Supervisor{loop, std::move(setup)}};
    JOBMILL_TRY(supervisor->prepare());
    return supervisor;
}

Result<void> Supervisor::prepare()
{
    // Workers, and whatever they leave behind, become our own children.
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        return fail_errno("becoming a subreaper", errno);
    }
    const auto timer = [&](auto on_time) -> Result<std::unique_ptr<loop::Timer>> {
        JOBMILL_TRY_ASSIGN(auto made, loop::Timer::create(loop_, on_time));
        return std::make_unique<loop::Timer>(std::move(made));
    };
    JOBMILL_TRY_ASSIGN(core_timer_,
                       timer([this] { post(core::TimerFired{}, loop::EventLoop::now()); }));
    JOBMILL_TRY_ASSIGN(accepted_timer_, timer([this] { held_accepts_.release(); }));
    JOBMILL_TRY_ASSIGN(progress_timer_, timer([this] { desk_.look_around(); }));
    JOBMILL_TRY_ASSIGN(expiry_timer_,
                       timer([this] { desk_.unread().expire(loop::EventLoop::now()); }));
    JOBMILL_TRY_ASSIGN(probe_timer_, timer([this] {
                           processes_.probe_templates();
                           processes_.sweep_groups();
                           heap_trim_.look(desk_.unfinished() == 0);
                           look_after_socket();
                       }));
    JOBMILL_TRY_ASSIGN(idle_timer_, timer([this] { leave_if_idle(); }));
    JOBMILL_TRY_ASSIGN(leave_timer_, timer([this] {
                           log::warning("left without waiting any longer", {}, log::always);
                           processes_.kill_templates();
                           loop_.stop();
                       }));
    JOBMILL_TRY_ASSIGN(auto hook, loop::TurnHook::create(loop_, [this] { on_turn(); }));
    turn_hook_ = std::make_unique<loop::TurnHook>(std::move(hook));
    const auto post_event = [this](const core::Event& event) { post(event); };
    JOBMILL_TRY_ASSIGN(health_, HealthWatch::create(loop_, pools_, processes_, post_event));
    JOBMILL_TRY_ASSIGN(memory_, MemoryWatch::create(loop_, [this](const MemoryWatch::State& state) {
                           on_memory(state);
                       }));
    const auto watch = [&](int signal_number, auto on_signal) -> Result<void> {
        JOBMILL_TRY_ASSIGN(auto made, loop::SignalWatcher::create(loop_, signal_number, on_signal));
        signals_.push_back(std::move(made));
        return {};
    };
    JOBMILL_TRY(watch(SIGTERM, [this] { request_stop(); }));
    JOBMILL_TRY(watch(SIGINT, [this] { request_stop(); }));
    JOBMILL_TRY(watch(SIGHUP, [this] { on_hangup(); }));
    JOBMILL_TRY(watch(SIGCHLD, [this] { processes_.sweep(); }));
    // That the loop turns is what the watchdog is told.
    return service_.attach(loop_, [this] { return processes_.templates_answer(); });
}

int Supervisor::run()
{
    pools_loading_ = reloader_.config().pools.size();
    service_.starting();
    reloader_.start_pools();
    processes_.bound_payloads(reloader_.config().max_payload);
    adopt_adjustable(reloader_.config());
    probe_timer_->start_repeating(Processes::probe_period);
    loop_.run();
    job_ids_.close();
    return exit_code_;
}

// ---- what the processes say ---------------------------------------------------------------------

void Supervisor::on_loaded(PoolId pool, const Value& body)
{
    PoolEntry& entry = pools_.entry(pool);
    auto handlers = read_handlers(body);
    if (!handlers) {
        on_template_failed(pool, handlers.error().what);
        return;
    }
    const bool first_time = entry.handlers.empty();
    if (!first_time && !same_numbers(*handlers, entry.handlers)) {
        // Numbers of handlers that are queued already must not change their meaning.
        on_template_failed(pool, "its modules have changed; a reload takes them over");
        return;
    }
    entry.handlers = std::move(*handlers);
    if (!processes_.starts_none(pool)) {
        if (entry.state != PoolEntry::State::retiring) {
            entry.state = PoolEntry::State::up;
        }
        entry.error.clear();
        log::info("pool up", {{"pool", entry.name}, {"count", entry.handlers.size()}});
    }
    post(core::TemplateReady{pool});
    service_.status(summary(pools_, user_));
    if (reloader_.awaits(pool)) {
        reloader_.loaded(pool);
        return;
    }
    if (first_time && --pools_loading_ == 0 && !closing_) {
        if (const auto accepting = sessions_.start_accepting(); !accepting) {
            log::error("cannot accept clients",
                       {{"socket", socket_path_}, {"cause", accepting.error().what}}, log::always);
            exit_code_ = exit_code::jobmill_failed;
            request_stop();
            return;
        }
        serving_ = true;
        service_.ready(summary(pools_, user_));
        log::info("ready", {{"socket", socket_path_}, {"pools", pools_.published().size()}},
                  log::always);
        if (reload_due_) {
            reloader_.request({});
        }
    }
}

void Supervisor::on_template_failed(PoolId pool, const std::string& why)
{
    PoolEntry& entry = pools_.entry(pool);
    log::error("pool down", {{"pool", entry.name}, {"cause", why}},
               serving_ ? log::Rate::limited : log::always);
    if (entry.state == PoolEntry::State::retiring) {
        return;
    }
    entry.state = PoolEntry::State::down;
    entry.error = why;
    if (reloader_.awaits(pool)) {
        reloader_.failed(pool, why);
        return;
    }
    service_.status(summary(pools_, user_));
    if (!serving_ && !closing_) {
        // A pool that cannot start at all is the operator's to mend.
        exit_code_ = exit_code::bad_config;
        request_stop();
    }
}

/// As when its template fails; but it has loaded, so whether it can start at all is not the
/// question.
void Supervisor::on_workers_failed(PoolId pool, const std::string& why)
{
    PoolEntry& entry = pools_.entry(pool);
    if (closing_ || entry.state != PoolEntry::State::up) {
        return;
    }
    log::error("pool down", {{"pool", entry.name}, {"cause", why}});
    entry.state = PoolEntry::State::down;
    entry.error = why;
    service_.status(summary(pools_, user_));
}

void Supervisor::on_workers_back(PoolId pool)
{
    PoolEntry& entry = pools_.entry(pool);
    if (entry.state == PoolEntry::State::down) {
        entry.state = PoolEntry::State::up;
        entry.error.clear();
        log::info("pool up", {{"pool", entry.name}, {"count", entry.handlers.size()}});
        service_.status(summary(pools_, user_));
    }
}

// ---- the daemon itself --------------------------------------------------------------------------

void Supervisor::request_stop()
{
    if (closing_) {
        log::info("stopping now", {{"jobs", desk_.unfinished()}}, log::always);
        leave_timer_->start_once(leave_patience);
        post(core::StopNow{});
        return;
    }
    closing_ = true;
    const std::chrono::milliseconds drain_timeout = reloader_.config().drain_timeout;
    reloader_.close();
    log::info("stopping", {{"jobs", desk_.unfinished()}, {"grace_ms", drain_timeout.count()}},
              log::always);
    service_.stopping("finishing what runs");
    sessions_.stop_accepting();
    sessions_.broadcast(Closing{static_cast<std::uint64_t>(drain_timeout.count())});
    // Should something hang that the core waits for, a template in its module's code say.
    leave_timer_->start_once(drain_timeout + core::Patience{}.terminate + leave_patience);
    post(core::StopRequested{drain_timeout});
}

/// What is not only a number that somebody reads when he needs it.
void Supervisor::adopt_adjustable(const Config& config)
{
    adjustments_.configure(config);
    health_->pools_changed();
    memory_->watch(config.min_free_memory);
}

void Supervisor::on_memory(const MemoryWatch::State& state)
{
    if (state.low) {
        log::warning(
            "memory low",
            {{"bytes", state.available.value_or(0)}, {"limit", state.min_free.value_or(0)}},
            log::always);
    } else {
        log::info("memory free again", {{"bytes", state.available.value_or(0)}}, log::always);
    }
    post(core::MemoryJudged{state.low});
}

void Supervisor::adopt(const Config& config)
{
    desk_.set_limits(desk_limits(config, system_));
    sessions_.set_limits(session_limits(config, system_));
    processes_.bound_payloads(config.max_payload);
    adopt_adjustable(config);
    // The next turn starts them with the new times.
    idle_timer_->stop();
    expiry_timer_->stop();
    if (const auto level = log::level_named(config.log_level.value_or("info"))) {
        log::set_level(*level);
    }
}

/// A terminal that is closed sends the signal, too; nobody is left to whom a reload would matter.
void Supervisor::on_hangup()
{
    pollfd terminal{.fd = STDERR_FILENO, .events = 0, .revents = 0};
    const bool gone = ::poll(&terminal, 1, 0) == 1 && (terminal.revents & POLLHUP) != 0;
    if (in_terminal_ && gone) {
        request_stop();
    } else if (!serving_) {
        reload_due_ = true;
        log::info("reload put off", {{"cause", "the pools load"}}, log::always);
    } else if (!closing_) {
        reloader_.request({});
    }
}

Value Supervisor::status(const Identity& client, const std::vector<JobId>& wanted)
{
    good_for_ = 0;  // of a long queue it takes a while
    return report_status({.started = started_,
                          .now = loop::EventLoop::now(),
                          .socket = socket_path_,
                          .user = user_,
                          .system = system_,
                          .pools = pools_,
                          .core = core_,
                          .jobs = desk_.list(client, wanted),
                          .desk = desk_,
                          .client = client,
                          .memory = memory_->state()});
}

}  // namespace jobmill::daemon
