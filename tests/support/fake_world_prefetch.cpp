// SPDX-License-Identifier: MIT
// Who may hold jobs ahead, as FakeWorld compares it.
#include <algorithm>

#include "daemon/core/job.hpp"
#include "tests/support/fake_world.hpp"

namespace jobmill::sim {

bool FakeWorld::is_closed(const PretendWorker& worker) const
{
    return worker.closed || std::any_of(worker.held.begin(), worker.held.end(),
                                        [this](const PretendWorker::Offer& each) {
                                            return job(each.job).terms.alone;
                                        });
}

Duration FakeWorld::expected_run(const PretendJob& job)
{
    const core::Patience& p = physics_.patience;
    const Duration lately = pool_of(job.pool).pace.lately(job.handler);
    return lately == Duration{} ? std::max({p.ahead, p.most_ahead, p.most_ahead_of_one}) : lately;
}

Duration FakeWorld::expected(const PretendWorker& worker)
{
    Duration sum{};
    for (const PretendWorker::Offer& each : worker.held) {
        sum += each.expected;
    }
    return sum;
}

/// What the worker runs has taken so long that it may be called overdue.
bool FakeWorld::overruns(const PretendWorker& worker) const
{
    return by_pace() && !worker.held.empty() &&
           over(job(worker.held.front().job).front_since, physics_.patience.overrun);
}

/// But for how many it holds.
bool FakeWorld::open_to_all(const PretendWorker& worker) const
{
    const bool free_claim =
        worker.held.empty() || worker.offers + 1 - number(worker.held.front().sequence) < 256;
    return worker.open() && !worker.condemned && free_claim && !worker.stopping_a_job() &&
           !worn(worker) && !used_up(worker) && worker.lending == 0 && !is_closed(worker) &&
           !overruns(worker);
}

/// It has all the jobs that its process may run.
bool FakeWorld::used_up(const PretendWorker& worker) const
{
    return worker.jobs_done + worker.held.size() >=
           pools_.at(number(worker.pool)).terms.recycle_jobs;
}

bool FakeWorld::could_take(const PretendWorker& worker) const
{
    return open_to_all(worker) && worker.held.size() < pools_.at(number(worker.pool)).depth;
}

void FakeWorld::check_company(const PretendWorker& worker, const PretendJob& job)
{
    demand(!is_closed(worker) && (!job.terms.alone || worker.held.empty()),
           "a job that tolerates no other shares its worker");
    demand(!used_up(worker), "a worker is given more jobs than it may run");
    std::uint32_t ahead = job.offer_size;
    for (const PretendWorker::Offer& each : worker.held) {
        ahead += this->job(each.job).offer_size;
    }
    constexpr std::uint32_t rounding = 256 * core::bulk_unit;
    demand(worker.held.empty() || ahead <= core::most_bulk * core::bulk_unit + rounding,
           "a worker is sent more ahead than its link takes");
}

/// Who has nothing to do is given what others hold ahead.
void FakeWorld::check_shares(const PretendPool& pool)
{
    const bool one_less = std::holds_alternative<core::JobFinished>(*happening_) ||
                          std::holds_alternative<core::WordsHeard>(*happening_) ||
                          std::holds_alternative<core::WorkerReady>(*happening_);
    // A pool does not tell which of its workers are too many, and those get nothing.
    if (!by_pace() || !one_less || words_follow_ || pool.counts.surplus > 0 || stop_asked_ ||
        memory_low_ || pool.degraded || pool.suspended || pool.queue.size() > 0 ||
        working_ >= cap_ || pool.working() >= pool.terms.max_running) {
        return;
    }
    bool idle = false;
    bool rich = false;
    bool soon_done = false;
    bool shares = false;
    for (const auto& worker : workers_) {
        if (worker->pool != pool.id) {
            continue;
        }
        idle = idle || (worker->held.empty() && open_to_all(*worker));
        if (worker->held.size() > 1) {
            const PretendWorker::Offer& last = worker->held.back();
            rich = rich || open_to_all(*worker);
            soon_done = soon_done || expected(*worker) <= physics_.patience.wake;
            shares = shares || last.asked_back || worker->begun_told >= last.sequence;
        }
    }
    demand(!idle || !rich || soon_done || shares, "a worker is idle while another has work ahead");
}

}  // namespace jobmill::sim
