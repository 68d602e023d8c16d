// SPDX-License-Identifier: MIT
// Events go to the core, and what it asks for is carried out.
#include <algorithm>

#include "common/assert.hpp"
#include "daemon/log.hpp"
#include "daemon/status_report.hpp"
#include "daemon/supervisor.hpp"

namespace jobmill::daemon {
namespace {

constexpr unsigned events_a_look = 8;
constexpr std::size_t few_effects = 8;

/// What has to be done about others, with their processes say, may take a while.
bool is_brief(const core::Event& event)
{
    return std::holds_alternative<core::JobSubmitted>(event) ||
           std::holds_alternative<core::JobFinished>(event);
}

}  // namespace

void Supervisor::post(const core::Event& event)
{
    post(event, now());
}

void Supervisor::post(const core::Event& event, core::TimePoint now)
{
    if (draining_events_) {
        events_.push_back(event);  // whoever drains comes to it
        return;
    }
    draining_events_ = true;
    handle(event, now);
    for (std::size_t next = 0; next < events_.size(); ++next) {
        const core::Event copy = events_[next];  // more of them may come meanwhile
        handle(copy, look());
    }
    events_.clear();
    draining_events_ = false;
}

void Supervisor::handle(const core::Event& event, core::TimePoint now)
{
    now_ = now;
    ++handled_;
    effects_.clear();
    core_.on(event, now, effects_);
    // What an effect posts is handled after the last effect of this event.
    for (const core::Effect& effect : effects_) {
        perform(effect);
    }
    if (!is_brief(event) || effects_.size() > few_effects) {
        good_for_ = 0;
    }
}

/// Within an event it stands.
core::TimePoint Supervisor::now()
{
    return draining_events_ ? now_ : look();
}

/// Brief events that follow one another share a look at the clock: it costs more than most effects.
core::TimePoint Supervisor::look()
{
    if (good_for_ == 0) {
        now_ = loop::EventLoop::now();
        good_for_ = events_a_look;
    }
    --good_for_;
    return now_;
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
    last_offered_ = effect.worker;
    const JobRecord& record = desk_.offered(effect.job);
    const auto offered = process->offer(effect, record, desk_.limits_of(record), now());
    if (!offered) {
        // Out of descriptors: a worker less leaves some. The job has not begun, and comes back.
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

void Supervisor::perform(const core::HearOut& effect)
{
    desk_.hear_out(effect.worker);
    processes_.carry_out(core::CollectWords{effect.worker});
}

void Supervisor::perform(const core::JobEnded& effect)
{
    log::debug("job ended",
               {{"job", number(effect.job)}, {"state", jobmill::name_of(effect.state)}});
    ++ended_;
    desk_.ended(effect);
}

void Supervisor::perform(const core::JobRetried& effect)
{
    log::debug("job tried again",
               {{"job", number(effect.job)}, {"state", jobmill::name_of(effect.state)}});
    desk_.retried(effect);
}

void Supervisor::perform(const core::JobHandedOver& effect)
{
    desk_.handed_over(effect);
}

void Supervisor::perform(const core::JobLetBe& effect)
{
    desk_.let_be(effect.job);
}

void Supervisor::perform(const core::BatchHalted& effect)
{
    desk_.halted(effect.batch);
}

void Supervisor::perform(const core::PoolJudged& effect)
{
    const std::string& pool = pools_.entry(effect.pool).name;
    if (effect.degraded) {
        log::error("pool degraded",
                   {{"pool", pool}, {"cause", "its workers die and no job comes to its end"}},
                   log::always);
    } else {
        log::info("pool recovered", {{"pool", pool}}, log::always);
    }
    service_.status(summary(pools_, user_));
}

void Supervisor::perform(const core::ArmTimer& effect)
{
    // One that is due already fires in the next turn, not in this: others have theirs first.
    const auto delay = effect.at - now();
    core_timer_->start_once(std::max<core::Duration>(delay, std::chrono::milliseconds{1}));
}

void Supervisor::perform(const core::PoolGone& effect)
{
    reloader_.on_gone(effect.pool);
}

void Supervisor::perform(const core::Stopped&)
{
    core_stopped_ = true;
    sessions_.finish_all();
    processes_.dismiss_templates();
    leave_timer_->start_once(leave_patience);
}

}  // namespace jobmill::daemon
