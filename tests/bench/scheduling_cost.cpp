// SPDX-License-Identifier: MIT
// What it costs to decide about one job, from its submission to its end, by how many jobs are
// queued, how many sessions, labels and priorities they have, and how many workers there are. The
// core alone, in this process: no daemon, no worker. One JSON line a case. Usage: scheduling_cost
// [MOST]: jobs in the longest queue.
#include <algorithm>
#include <deque>
#include <exception>
#include <string>

#include "daemon/core/dispatcher.hpp"
#include "tests/bench/measuring.hpp"
#include "tests/bench/workloads/line.hpp"

using namespace jobmill;
using namespace jobmill::bench;

namespace {

struct World {
    std::uint64_t queued = 10'000;
    std::uint64_t sessions = 1;
    std::uint64_t labels = 1;
    std::uint64_t priorities = 1;
    bool bounded = false;  ///< of each label but the first, one job runs at a time
    std::uint32_t workers = 2;
};

/// Answers whatever the core asks for as workers without a fault would.
class Edge {
public:
    explicit Edge(const World& world) : world_(world)
    {
        tell(core::PoolAdded{.pool = pool, .workers = world.workers, .depth = 1});
        for (std::uint64_t label = 1; label <= world.labels; ++label) {
            const bool bounded = world.bounded && label > 1;
            tell(core::LabelAdjusted{.label = label_of(label),
                                     .max_running = bounded ? 1 : core::no_bound});
        }
        // Every worker has one besides.
        for (std::uint64_t i = 0; i < world.queued + world.workers; ++i) {
            submit();
        }
        if (running_.size() != world.workers) {
            give_up("the workers are not all at work");
        }
    }

    /// The job that has run for longest ends, the next begins, and another one comes.
    void step()
    {
        const core::OfferJob done = running_.front();
        running_.pop_front();
        now_ += std::chrono::microseconds{10};
        tell(core::JobFinished{.worker = done.worker, .sequence = done.sequence});
        submit();
    }

    [[nodiscard]] bool as_it_was() const
    {
        return running_.size() == world_.workers &&
               core_.unfinished_jobs() == world_.queued + world_.workers;
    }

private:
    static constexpr PoolId pool{1};

    static core::LabelId label_of(std::uint64_t number)
    {
        return core::LabelId{static_cast<std::uint32_t>(number)};
    }

    void submit()
    {
        const std::uint64_t number = ++submitted_;
        tell(core::JobSubmitted{
            .job = JobId{number},
            .session = SessionId{1 + number % world_.sessions},
            .pool = pool,
            .label = label_of(1 + number / world_.sessions % world_.labels),
            .terms = {.priority = static_cast<std::int8_t>(number % world_.priorities)}});
    }

    void tell(const core::Event& event)
    {
        core_.on(event, now_, effects_);
        while (!effects_.empty()) {
            asked_.swap(effects_);
            for (const core::Effect& effect : asked_) {
                answer(effect);
            }
            asked_.clear();
        }
        if (now_ >= timer_) {
            timer_ = core::never;
            tell(core::TimerFired{});
        }
    }

    void answer(const core::Effect& effect)
    {
        if (const auto* offer = std::get_if<core::OfferJob>(&effect)) {
            running_.push_back(*offer);
        } else if (const auto* timer = std::get_if<core::ArmTimer>(&effect)) {
            timer_ = timer->at;
        } else if (const auto* start = std::get_if<core::StartTemplate>(&effect)) {
            core_.on(core::TemplateReady{start->pool}, now_, effects_);
        } else if (const auto* fork = std::get_if<core::ForkWorker>(&effect)) {
            core_.on(core::WorkerForked{fork->worker}, now_, effects_);
            core_.on(core::WorkerReady{fork->worker}, now_, effects_);
        } else if (const auto* revoke = std::get_if<core::RevokeClaim>(&effect)) {
            // It had begun.
            core_.on(core::ClaimRevoked{revoke->worker, revoke->sequence, false}, now_, effects_);
        }
    }

    World world_;
    core::Dispatcher core_;
    core::TimePoint now_{std::chrono::seconds{1}};
    core::TimePoint timer_ = core::never;
    core::Effects effects_;
    core::Effects asked_;
    std::deque<core::OfferJob> running_;
    std::uint64_t submitted_ = 0;
};

void measure(const std::string& which, const World& world)
{
    constexpr int steps = 200'000;
    Edge edge{world};
    const auto start = Clock::now();
    for (int i = 0; i < steps; ++i) {
        edge.step();
    }
    const double nanoseconds = milliseconds_since(start) * 1e6 / steps;
    if (!edge.as_it_was()) {
        give_up("a job was lost");
    }
    Line{"scheduling_cost", "jobmill"}
        .text("case", which)
        .number("ns_per_job", nanoseconds)
        .print();
}

}  // namespace

int main(int argc, char** argv)
{
    constexpr long million = 1'000'000;
    try {
        const auto most = static_cast<std::uint64_t>(number_given(argc, argv, million));
        for (std::uint64_t queued = 1000; queued <= most; queued *= 10) {
            measure(std::to_string(queued) + " queued", {.queued = queued});
        }
        for (const std::uint64_t count : {1U, 10U, 100U, 1000U}) {
            measure(std::to_string(count) + " sessions", {.sessions = count});
        }
        for (const std::uint64_t count : {1U, 10U, 100U, 1000U}) {
            measure(std::to_string(count) + " labels", {.labels = count});
        }
        for (const std::uint64_t count : {1U, 10U, 100U, 1000U}) {
            measure(std::to_string(count) + " sessions, and a label at its bound",
                    {.sessions = count, .labels = 2, .bounded = true});
        }
        for (const std::uint64_t count : {1U, 10U, 100U}) {
            measure(std::to_string(count) + " priorities", {.priorities = count});
        }
        for (const std::uint32_t count : {1U, 4U, 16U, 64U, 256U}) {
            measure(std::to_string(count) + " workers", {.workers = count});
        }
    } catch (const std::exception& error) {
        give_up(error.what());
    }
}
