// SPDX-License-Identifier: MIT
#include "daemon/supervisor.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "common/assert.hpp"
#include "common/blob.hpp"
#include "common/exit_code.hpp"
#include "daemon/cpu_budget.hpp"
#include "daemon/log.hpp"
#include "daemon/pool_plan.hpp"
#include "daemon/refusal.hpp"
#include "daemon/status_report.hpp"

namespace jobmill::daemon {
namespace {

/// Progress is sampled so often while somebody wants it.
constexpr std::chrono::milliseconds progress_period{100};

/// For sessions to take their last messages and templates to leave.
constexpr std::chrono::seconds leave_patience{2};

/// What a worker has sent. Small blobs are unpacked: clients get what is within the inline limit
/// in one message, whichever way it came.
Payload payload_of(ByteView bytes, UniqueFd blob, std::uint64_t size)
{
    Payload payload = Payload::copy(bytes);
    payload.size = size;
    if (blob && size <= limits::inline_payload) {
        payload.bytes.resize(size);
        if (read_blob(blob.get(), 0, payload.bytes)) {
            return payload;
        }
        payload.bytes.clear();
    }
    payload.blob = std::move(blob);
    return payload;
}

}  // namespace

Supervisor::Supervisor(loop::EventLoop& loop, Setup setup)
    : loop_(loop),
      config_(std::move(setup.config)),
      read_again_(std::move(setup.read_again)),
      config_file_(std::move(setup.config_file)),
      system_(setup.system),
      user_(std::move(setup.user)),
      cores_(usable_cores()),
      socket_path_(setup.place.path()),
      started_(loop::EventLoop::now()),
      job_ids_(std::move(setup.job_ids)),
      service_(std::move(setup.service)),
      pools_(pool_names(config_)),
      desk_(
          JobDesk::Limits{
              .payload = config_.max_payload,
              .jobs = config_.max_jobs,
              .bytes = config_.max_bytes,
              .unread = {.bytes_per_user = config_.unread_bytes, .age = config_.unread_age}},
          JobDesk::Outside{.core = core_,
                           .pools = pools_,
                           .post = [this](const core::Event& event) { post(event); },
                           .session = [this](SessionId session) { return sessions_.find(session); },
                           .next_job = [this] { return job_ids_.next(); },
                           .now = [] { return loop::EventLoop::now(); },
                           .cause_of_death =
                               [this](WorkerId worker) {
                                   const WorkerProcess* process = processes_.worker(worker);
                                   return process == nullptr ? Cause{.kind = "lost"}
                                                             : process->cause_of_death();
                               },
                           .pause =
                               [this](WorkerId worker, bool paused) {
                                   if (WorkerProcess* process = processes_.worker(worker)) {
                                       process->pause_reading(paused);
                                   }
                               },
                           .progress = [this](WorkerId worker) -> std::optional<ProgressReading> {
                               const WorkerProcess* process = processes_.worker(worker);
                               return process == nullptr ? std::nullopt : process->progress();
                           }}),
      processes_(
          loop, flush_list_, std::move(setup.worker_program), plan_pools(config_, cores_, system_),
          Processes::Callbacks{
              .post = [this](const core::Event& event) { post(event); },
              .on_loaded = [this](PoolId pool, const Value& body) { on_loaded(pool, body); },
              .on_template_failed =
                  [this](PoolId pool, const std::string& why) { on_template_failed(pool, why); },
              .on_report = [this](WorkerId worker, WorkerReport& report,
                                  UniqueFd blob) { on_report(worker, report, std::move(blob)); }}),
      administration_(Administration::Outside{
          .pools = pools_,
          .status = [this](unsigned uid,
                           const std::vector<JobId>& wanted) { return status(uid, wanted); },
          .reload = [this](SessionId session, Tag tag) { reload(session, tag); }}),
      sessions_(loop, flush_list_, std::move(setup.place), config_.max_sessions,
                ClientSession::Settings{.credit_jobs = config_.credit_jobs,
                                        .credit_bytes = config_.credit_bytes,
                                        .max_payload = config_.max_payload,
                                        .frame_timeout = config_.frame_timeout},
                ClientSession::Outside{
                    .desk = desk_,
                    .pools = pools_,
                    .administer =
                        [this](ClientSession& session, Tag tag, const Request& request) {
                            administration_.answer(session, tag, request);
                        },
                    .closing = [this] { return closing_; },
                    .over = {}})
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
    JOBMILL_TRY_ASSIGN(core_timer_, timer([this] { post(core::TimerFired{}); }));
    JOBMILL_TRY_ASSIGN(progress_timer_, timer([this] { desk_.sample_progress(); }));
    JOBMILL_TRY_ASSIGN(expiry_timer_,
                       timer([this] { desk_.unread().expire(loop::EventLoop::now()); }));
    JOBMILL_TRY_ASSIGN(leave_timer_, timer([this] {
                           log::warning("left without waiting any longer", {}, log::always);
                           processes_.kill_templates();
                           loop_.stop();
                       }));
    JOBMILL_TRY_ASSIGN(auto hook, loop::TurnHook::create(loop_, [this] { on_turn(); }));
    turn_hook_ = std::make_unique<loop::TurnHook>(std::move(hook));
    for (const int stop_signal : {SIGTERM, SIGINT, SIGHUP}) {
        JOBMILL_TRY_ASSIGN(auto watcher, loop::SignalWatcher::create(loop_, stop_signal,
                                                                     [this] { request_stop(); }));
        signals_.push_back(std::move(watcher));
    }
    JOBMILL_TRY_ASSIGN(auto children,
                       loop::SignalWatcher::create(loop_, SIGCHLD, [this] { processes_.sweep(); }));
    signals_.push_back(std::move(children));
    // That the loop turns is what the watchdog is told.
    return service_.attach(loop_, [] { return true; });
}

int Supervisor::run()
{
    std::uint32_t first_slot = 1;
    pools_loading_ = config_.pools.size();
    for (std::size_t i = 0; i < config_.pools.size(); ++i) {
        const std::uint32_t workers = workers_of(config_.pools[i], cores_);
        post(core::PoolAdded{.pool = PoolId{static_cast<std::uint16_t>(i)},
                             .first_slot = SlotId{first_slot},
                             .workers = workers,
                             .depth = 1});
        first_slot += workers;
    }
    loop_.run();
    job_ids_.close();
    return exit_code_;
}

// ---- events and effects -------------------------------------------------------------------------

void Supervisor::post(const core::Event& event)
{
    events_.push_back(event);
    if (draining_events_) {
        return;  // whoever drains comes to it
    }
    draining_events_ = true;
    while (!events_.empty()) {
        const core::Event next = events_.front();
        events_.pop_front();
        effects_.clear();
        core_.on(next, loop::EventLoop::now(), effects_);
        // What an effect posts is handled after the last effect of this event.
        for (const core::Effect& effect : effects_) {
            perform(effect);
        }
    }
    draining_events_ = false;
}

void Supervisor::perform(const core::Effect& effect)
{
    std::visit(
        [this](const auto& each) {
            if constexpr (requires { processes_.carry_out(each); }) {
                processes_.carry_out(each);
            } else {
                perform(each);
            }
        },
        effect);
}

void Supervisor::perform(const core::OfferJob& effect)
{
    WorkerProcess* process = processes_.worker(effect.worker);
    JOBMILL_ASSERT(process != nullptr);
    desk_.offered(effect.job);
    if (const auto offered = process->offer(effect.sequence, desk_.record(effect.job)); !offered) {
        // Out of descriptors: the job is charged to a worker that is no use.
        log::error("job failed to start", {{"job", number(effect.job)},
                                           {"worker", number(effect.worker.slot)},
                                           {"cause", offered.error().what}});
        process->accuse("could not be given the job: " + offered.error().what);
        post(core::WorkerMisbehaved{effect.worker});
    }
}

void Supervisor::perform(const core::RevokeClaim& effect)
{
    WorkerProcess* process = processes_.worker(effect.worker);
    const bool won = process != nullptr && process->revoke(effect.sequence);
    post(core::ClaimRevoked{.worker = effect.worker, .sequence = effect.sequence, .won = won});
}

void Supervisor::perform(const core::JobEnded& effect)
{
    log::debug("job ended",
               {{"job", number(effect.job)}, {"state", jobmill::name_of(effect.state)}});
    desk_.ended(effect);
}

void Supervisor::perform(const core::ArmTimer& effect)
{
    core_timer_->start_once(effect.at - loop::EventLoop::now());
}

void Supervisor::perform(const core::Stopped&)
{
    core_stopped_ = true;
    sessions_.finish_all();
    processes_.dismiss_templates();
    leave_timer_->start_once(leave_patience);
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
        on_template_failed(pool, "its modules changed under it");
        return;
    }
    entry.handlers = std::move(*handlers);
    entry.state = PoolEntry::State::up;
    entry.error.clear();
    post(core::TemplateReady{pool});
    service_.status(summary(pools_, user_));
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
        log::info("ready", {{"socket", socket_path_}, {"pools", pools_.size()}}, log::always);
    }
}

void Supervisor::on_template_failed(PoolId pool, const std::string& why)
{
    PoolEntry& entry = pools_.entry(pool);
    log::error("pool down", {{"pool", entry.name}, {"cause", why}},
               serving_ ? log::Rate::limited : log::always);
    entry.state = PoolEntry::State::down;
    entry.error = why;
    service_.status(summary(pools_, user_));
    if (!serving_ && !closing_) {
        // A pool that cannot start at all is the operator's to mend.
        exit_code_ = exit_code::bad_config;
        request_stop();
    }
}

void Supervisor::on_report(WorkerId worker, WorkerReport& report, UniqueFd blob)
{
    const Sequence sequence = std::visit(
        [](const auto& each) {
            if constexpr (requires { each.sequence; }) {
                return each.sequence;
            } else {
                return Sequence{};
            }
        },
        report);
    const auto job = core_.job_of(worker, sequence);
    if (!job || !desk_.knows(*job)) {
        if (WorkerProcess* process = processes_.worker(worker)) {
            process->accuse("spoke of a job that it does not hold");
        }
        post(core::WorkerMisbehaved{worker});
        return;
    }
    if (auto* outcome = std::get_if<JobOutcome>(&report)) {
        on_outcome(worker, *job, *outcome, std::move(blob));
    } else if (const auto* chunk = std::get_if<JobChunk>(&report)) {
        on_chunk(worker, *job, *chunk, std::move(blob));
    } else {
        desk_.worker_started(*job, worker);
    }
}

void Supervisor::on_chunk(WorkerId worker, JobId job, const JobChunk& chunk, UniqueFd blob)
{
    desk_.worker_chunk(job, worker, chunk.stream,
                       payload_of(chunk.payload, std::move(blob), chunk.size));
}

void Supervisor::on_outcome(WorkerId worker, JobId job, JobOutcome& outcome, UniqueFd blob)
{
    desk_.worker_outcome(
        job, Outcome{.payload = payload_of(outcome.payload, std::move(blob), outcome.size),
                     .cause = std::move(outcome.cause),
                     .run_ns = outcome.run_ns});
    post(core::JobFinished{.worker = worker,
                           .sequence = outcome.sequence,
                           .state = outcome.succeeded ? JobState::succeeded : JobState::failed});
}

// ---- the daemon itself --------------------------------------------------------------------------

void Supervisor::on_turn()
{
    sessions_.bury();
    flush_list_.flush();
    sessions_.bury();
    processes_.end_turn();
    turn_hook_->stay_awake(!flush_list_.empty());
    if (desk_.has_progress_watchers() != progress_timer_->active()) {
        if (progress_timer_->active()) {
            progress_timer_->stop();
        } else {
            progress_timer_->start_repeating(progress_period);
        }
    }
    if (const auto expiry = desk_.unread().next_expiry(); expiry && !expiry_timer_->active()) {
        expiry_timer_->start_once(*expiry - loop::EventLoop::now());
    }
    if (core_stopped_) {
        leave_when_quiet();
    }
}

void Supervisor::request_stop()
{
    if (closing_) {
        log::info("stopping now", {{"jobs", desk_.unfinished()}}, log::always);
        leave_timer_->start_once(leave_patience);
        post(core::StopNow{});
        return;
    }
    closing_ = true;
    log::info("stopping", {{"jobs", desk_.unfinished()}, {"grace_ms", config_.stop_grace.count()}},
              log::always);
    service_.stopping("finishing what runs");
    sessions_.stop_accepting();
    sessions_.broadcast(Closing{static_cast<std::uint64_t>(config_.stop_grace.count())});
    // Should something hang that the core waits for, a template in its module's code say.
    leave_timer_->start_once(config_.stop_grace + core::Patience{}.terminate + leave_patience);
    post(core::StopRequested{config_.stop_grace});
}

void Supervisor::leave_when_quiet()
{
    if (sessions_.empty() && processes_.templates_gone() && processes_.sweep_last()) {
        leave_timer_->stop();
        log::info("stopped", {}, log::always);
        loop_.stop();
    }
}

void Supervisor::reload(SessionId session, Tag tag)
{
    ClientSession* asker = sessions_.find(session);
    auto config = read_again_();
    if (!config) {
        log::error("configuration refused", {{"cause", config.error().what}});
        asker->send(ErrorMessage{.tag = tag,
                                 .error = refusal(error_code::bad_config, config.error().what)});
        return;
    }
    if (const auto level = log::level_named(config->log_level.value_or("info"))) {
        log::set_level(*level);
    }
    asker->send(ReloadReply{
        .tag = tag,
        .body = Value{Map{{"file", Value{config_file_}}, {"changes", Value{Array{}}}}}});
}

Value Supervisor::status(unsigned uid, const std::vector<JobId>& wanted) const
{
    return report_status({.started = started_,
                          .now = loop::EventLoop::now(),
                          .socket = socket_path_,
                          .user = user_,
                          .system = system_,
                          .pools = pools_,
                          .core = core_,
                          .jobs = desk_.list(uid, wanted)});
}

}  // namespace jobmill::daemon
