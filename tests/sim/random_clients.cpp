// SPDX-License-Identifier: MIT
// What clients, the operator and the machine do.
#include <algorithm>

#include "tests/sim/random_schedule.hpp"

namespace jobmill::sim {

using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t sessions = 6;
constexpr std::uint32_t labels = 3;
constexpr std::uint16_t handlers = 3;

UserId user_of(SessionId session)
{
    return UserId{static_cast<std::uint32_t>(1000 + number(session) % 3)};
}

}  // namespace

// ---- clients ------------------------------------------------------------------------------------

void RandomSchedule::step_clients()
{
    if (climate_.physics.only_fairness) {
        submit_fairly();
    } else if (chance_.percent(climate_.cancels)) {
        cancel_some();
    } else if (world_.alive().size() < climate_.most_jobs) {
        submit_some();
    }
}

void RandomSchedule::cancel_some()
{
    if (chance_.percent(20)) {
        return world_.lose_session(SessionId{1 + chance_.below(sessions)});
    }
    if (world_.alive().empty()) {
        return;
    }
    const JobId job = any_job();
    world_.cancel(job, chance_.percent(30));
    if (chance_.percent(20)) {
        world_.cancel(job, chance_.percent(50));
    }
}

/// A client stops reading, or one that had goes on; some say so twice.
void RandomSchedule::stop_or_go_on_reading()
{
    const SessionId session{1 + chance_.below(sessions)};
    const bool behind = world_.behind().contains(session);
    world_.set_behind(session, chance_.percent(90) ? !behind : behind);
}

/// A user's jobs do not begin, or may again; now and then he is told so twice.
void RandomSchedule::suspend_user_or_let_go()
{
    const UserId user = user_of(SessionId{1 + chance_.below(sessions)});
    const bool suspended = world_.suspended_users().contains(user);
    world_.suspend_user(user, chance_.percent(90) ? !suspended : suspended);
}

/// A job waits for its reader, or one that did goes on.
void RandomSchedule::pause_or_let_go_on()
{
    if (!world_.paused().empty() && chance_.percent(70)) {
        world_.pause(*world_.paused().begin(), false);
    } else if (!world_.alive().empty()) {
        world_.pause(any_job(), chance_.percent(90), chance_.percent(60));
    }
}

void RandomSchedule::submit_some()
{
    const PoolId pool = open_pool()->id;
    const std::uint64_t burst =
        chance_.percent(10) ? 1 + chance_.below(climate_.most_jobs / 4) : 1 + chance_.below(4);
    const bool together = chance_.percent(50);
    for (std::uint64_t i = 0; i < burst; ++i) {
        submit(pool, together);
        if (together && chance_.percent(10)) {
            go_on_within_turn();
        }
    }
    if (together) {
        if (climate_.reloads > 0 && chance_.percent(3)) {
            reload();
        }
        world_.end_submits(pool);
    }
}

/// What may come between two submits that one turn of the loop has read.
void RandomSchedule::go_on_within_turn()
{
    switch (chance_.below(8)) {
        case 0:
            return cancel_some();
        case 1:
            return climate_.behind > 0 ? stop_or_go_on_reading() : step_edge();
        case 2:
            return world_.advance(std::chrono::microseconds{chance_.below(500)});
        default:
            return step_edge();
    }
}

/// Everybody always has jobs queued, so that nobody's share is bounded by himself.
void RandomSchedule::submit_fairly()
{
    constexpr std::array<std::size_t, 5> who{0, 1, 2, 3, 4};
    std::array<std::uint64_t, who.size()> queued{};
    for (const JobId id : world_.alive()) {
        queued.at(number(world_.job(id).session)) += world_.job(id).unassigned() ? 1U : 0U;
    }
    for (const std::size_t session : who) {
        for (; session > 0 && queued.at(session) < 40; ++queued.at(session)) {
            core::JobSubmitted wanted;
            wanted.pool = world_.pools().front().id;
            wanted.session = SessionId{session};
            wanted.user = user_of(wanted.session);
            if (chance_.percent(climate_.labels)) {
                wanted.label = LabelId{static_cast<std::uint32_t>(1 + chance_.below(labels))};
            }
            world_.submit(wanted);
        }
    }
}

void RandomSchedule::submit(PoolId pool, bool more)
{
    core::JobSubmitted wanted;
    wanted.pool = pool;
    wanted.more = more;
    wanted.session = SessionId{1 + chance_.below(sessions)};
    wanted.user = user_of(wanted.session);
    wanted.detached = chance_.percent(30);
    wanted.handler = static_cast<std::uint16_t>(number(wanted.session) % handlers);
    wanted.terms = random_job_terms(climate_, chance_);
    if (climate_.physics.patience.ahead != core::forever && chance_.percent(20)) {
        wanted.offer_size = static_cast<std::uint32_t>(chance_.below(130'000));
    }
    if (chance_.percent(climate_.nested)) {
        wanted.parent = any_parent();
    }
    if (chance_.percent(climate_.labels)) {
        wanted.label = LabelId{static_cast<std::uint32_t>(1 + chance_.below(labels))};
    }
    if (chance_.percent(climate_.batches)) {
        wanted.batch = any_batch();
    }
    world_.submit(wanted);
}

/// Mostly one that runs; else any that has not ended.
JobId RandomSchedule::any_parent()
{
    const PretendWorker* worker = any_worker();
    if (worker != nullptr && number(worker->current) != 0 && worker->holds(worker->current)) {
        return worker->current_job;
    }
    return chance_.percent(20) && !world_.alive().empty() ? any_job() : JobId{};
}

BatchId RandomSchedule::any_batch()
{
    const std::size_t known = world_.batches().size();
    if (known > 0 && chance_.percent(90)) {
        const BatchId batch{
            static_cast<std::uint32_t>(known - chance_.below(std::min<std::size_t>(known, 3)))};
        return world_.sealed(batch) ? BatchId{} : batch;
    }
    const bool percent = chance_.percent(50);
    return world_.open_batch(
        {.now = chance_.percent(50),
         .percent = percent,
         .fail = static_cast<std::uint32_t>(percent ? chance_.below(101) : chance_.below(6))});
}

// ---- the operator and the machine ---------------------------------------------------------------

void RandomSchedule::step_operator()
{
    if (chance_.per_mille(climate_.reloads)) {
        reload();
    }
    if (chance_.per_mille(climate_.adjustments)) {
        adjust();
    }
    if (chance_.per_mille(climate_.memory) || (world_.memory_low() && chance_.percent(3))) {
        world_.judge_memory(!world_.memory_low());
    }
    if (chance_.per_mille(climate_.behind) || (!world_.behind().empty() && chance_.percent(1))) {
        stop_or_go_on_reading();
    }
    if (chance_.per_mille(climate_.behind) || (!world_.paused().empty() && chance_.percent(3))) {
        pause_or_let_go_on();
    }
    if (chance_.per_mille(climate_.suspends) ||
        (!world_.suspended_users().empty() && chance_.percent(2))) {
        suspend_user_or_let_go();
    }
    if (chance_.per_mille(climate_.storms) || (storm_ && chance_.per_mille(5))) {
        storm_ = !storm_;
    }
    if (chance_.per_mille(climate_.stops) && !world_.stopped()) {
        if (chance_.percent(20)) {
            world_.stop_now();
        } else {
            world_.stop(chance_.percent(30) ? Duration::zero()
                                            : Duration{milliseconds{chance_.below(3000)}});
        }
    }
}

void RandomSchedule::add_pool()
{
    world_.add_pool(random_pool(climate_, chance_), chance_.percent(50));
}

/// What a new configuration may ask for: other sizes, new pools, the end of old ones.
void RandomSchedule::reload()
{
    constexpr std::size_t most_pools = 6;
    PretendPool* pool = open_pool();
    if (pool == nullptr || world_.stopping()) {
        return;
    }
    if (PretendPool* heir = any_heir(); heir != nullptr && chance_.percent(50)) {
        pool = heir;
    }
    const PoolId old = pool->id;
    if (chance_.percent(20)) {
        world_.suspend_pool(old, !pool->suspended);
        return;
    }
    const auto gone = std::count_if(world_.pools().begin(), world_.pools().end(),
                                    [](const PretendPool& each) { return each.gone; });
    if (chance_.percent(60) || (world_.pools().size() >= most_pools && gone == 0)) {
        world_.resize_pool(old, static_cast<std::uint32_t>(1 + chance_.below(6)));
        return;
    }
    const bool reuse = chance_.percent(50) || world_.pools().size() >= most_pools;
    const PoolId made = world_.add_pool(random_pool(climate_, chance_), reuse);
    if (chance_.percent(70)) {
        if (chance_.percent(70)) {
            follow(old, made);
        }
        world_.retire_pool(old);
    }
}

/// One to which jobs of a pool that is about to go come back; null when there is none.
PretendPool* RandomSchedule::any_heir()
{
    for (const PretendPool& pool : world_.pools()) {
        if (pool.retired && !pool.gone && !pool.heirs.empty()) {
            PretendPool& heir = world_.pools().at(number(pool.heirs.begin()->second.first));
            if (!heir.retired) {
                return &heir;
            }
        }
    }
    return nullptr;
}

/// The new pool takes the place of the old one, and of those whose place that one had.
void RandomSchedule::follow(PoolId old, PoolId made)
{
    for (const PretendPool& pool : world_.pools()) {
        const bool is_earlier =
            pool.retired && !pool.gone &&
            std::any_of(pool.heirs.begin(), pool.heirs.end(),
                        [&](const auto& heir) { return heir.second.first == old; });
        if (pool.id != old && !(is_earlier && chance_.percent(70))) {
            continue;
        }
        world_.suspend_pool(pool.id, true);
        world_.move_jobs(pool.id, made);
        for (std::uint16_t handler = 0; handler < handlers; ++handler) {
            if (chance_.percent(80)) {
                world_.succeed(pool.id, handler, made,
                               static_cast<std::uint16_t>(chance_.below(handlers)));
            }
        }
        world_.suspend_pool(pool.id, false);
    }
}

/// Other rules for what is there.
void RandomSchedule::adjust()
{
    const auto bound = [&] {
        return chance_.percent(40) ? core::no_bound
                                   : static_cast<std::uint32_t>(1 + chance_.below(8));
    };
    const LabelId label{static_cast<std::uint32_t>(1 + chance_.below(labels))};
    switch (chance_.below(4)) {
        case 0:
            if (PretendPool* pool = open_pool(); pool != nullptr && !world_.stopping()) {
                world_.adjust_pool(pool->id, random_pool_terms(climate_, chance_));
            }
            return;
        case 1:
            return world_.adjust_label(label, bound(),
                                       static_cast<std::uint32_t>(1 + chance_.below(1000)));
        case 2:
            return world_.adjust_cap(bound());
        default:
            if (!world_.alive().empty()) {
                world_.relabel(any_job(), label);
            }
            return;
    }
}

}  // namespace jobmill::sim
