// SPDX-License-Identifier: MIT
// A JobQueue and the rule written plainly are told the same at random, and say the same.
#include <map>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/core/plain_queue.hpp"

using namespace jobmill;
using namespace jobmill::core;
using std::chrono::microseconds;

namespace {

/// How many there are of each, and how often somebody is held back.
struct Scale {
    std::uint64_t users = 3;
    std::uint64_t sessions = 6;
    std::uint64_t labels = 4;
    std::uint64_t priorities = 2;
    std::size_t most_queued = 60;
    std::uint32_t label_bound = 2;
    std::uint64_t longest_job_us = 5000;
};

class Both {
public:
    Both(const Scale& scale, std::uint64_t seed) : scale_(scale), random_(seed) {}

    void step()
    {
        now_ += microseconds{random_() % 400'000};
        const auto dice = random_() % 100;
        if (dice < 40) {
            submit();
        } else if (dice < 70) {
            serve();
        } else if (dice < 80) {
            finish();
        } else if (dice < 88) {
            take_back();
        } else if (dice < 92) {
            remove();
        } else if (dice < 95) {
            hold(suspended_users_, UserId{static_cast<std::uint32_t>(random_() % scale_.users)});
        } else if (dice < 98) {
            hold(behind_, SessionId{random_() % scale_.sessions});
        } else {
            stopped_ = random_() % (2 * scale_.labels);
        }
        compare();
    }
    /// Nobody is held back any more: each job gets its turn.
    void drain()
    {
        for (const UserId user : std::exchange(suspended_users_, {})) {
            let_go(user);
        }
        for (const SessionId session : std::exchange(behind_, {})) {
            let_go(session);
        }
        stopped_ = scale_.labels;
        while (!queue_.empty()) {
            serve();
            while (!running_.empty()) {
                finish();
            }
            compare();
        }
    }
    [[nodiscard]] std::uint64_t served() const { return served_; }
    [[nodiscard]] std::uint64_t passed_over() const { return passed_over_; }

private:
    using LaneKey = JobQueue::LaneKey;
    struct Running {
        JobHandle handle{};
        Duration charged{};
        bool begun = false;
    };

    Hindrance hindrance_of(const LaneKey& lane) const
    {
        const auto running = running_by_label_.find(number(lane.label));
        const bool bounded = number(lane.label) % 2 == 1;
        if (number(lane.label) == stopped_ || (bounded && running != running_by_label_.end() &&
                                               running->second >= scale_.label_bound)) {
            return Hindrance::label;
        }
        const bool waits = suspended_users_.contains(lane.user) ||
                           (lane.attached && behind_.contains(lane.session));
        return waits ? Hindrance::owner : Hindrance::none;
    }
    JobHandle first()
    {
        return queue_.first([this](const LaneKey& lane) { return hindrance_of(lane); });
    }
    void compare()
    {
        const JobHandle next = first();
        const auto expected =
            plain_.first(now_, [this](const LaneKey& lane) { return hindrance_of(lane); });
        REQUIRE((next == no_job) == !expected.has_value());
        if (expected) {
            REQUIRE(number(jobs_[next].id) == *expected);
        }
        passed_over_ += next == no_job && !queue_.empty() ? 1U : 0U;
        REQUIRE((queue_.any() == no_job) == queue_.empty());
    }
    LaneKey lane_of(JobHandle handle) const { return queue_.key_of(jobs_[handle]); }

    void submit()
    {
        if (queue_.size() >= scale_.most_queued) {
            return;
        }
        Job job;
        job.id = JobId{++last_};
        LaneKey key;
        key.session = SessionId{random_() % scale_.sessions};
        key.user = user_of(key.session);
        key.label = LabelId{static_cast<std::uint32_t>(random_() % scale_.labels)};
        key.attached = random_() % 4 != 0;
        key.priority = static_cast<std::int8_t>(random_() % scale_.priorities);
        const JobHandle handle = jobs_.add(job);
        queue_.enter(jobs_[handle], key);
        queue_.push(jobs_, handle, now_);
        plain_.enter(lane_of(handle));
        plain_.add(last_, jobs_[handle].arrival, lane_of(handle), now_);
        queued_.insert(handle);
    }
    void serve()
    {
        const JobHandle next = first();
        if (next == no_job) {
            return;
        }
        const auto weight = static_cast<std::uint32_t>(50 + random_() % 200);
        const Duration charged = queue_.serve(jobs_, next, weight, now_);
        plain_.serve(jobs_[next].arrival, lane_of(next), charged, now_);
        ++running_by_label_[number(lane_of(next).label)];
        running_.push_back({next, charged});
        if (random_() % 2 == 0) {
            begin(running_.back());
        }
        queued_.erase(next);
        ++served_;
    }
    void begin(Running& running)
    {
        queue_.begin(jobs_[running.handle], running.charged);
        plain_.begin(lane_of(running.handle), running.charged);
        running.begun = true;
    }
    Running take_running()
    {
        std::swap(running_[random_() % running_.size()], running_.back());
        Running taken = running_.back();
        running_.pop_back();
        if (!taken.begun) {
            begin(taken);
        }
        --running_by_label_[number(lane_of(taken.handle).label)];
        return taken;
    }
    void finish()
    {
        if (running_.empty()) {
            return;
        }
        const Running over = take_running();
        const Duration cpu = microseconds{1 + random_() % scale_.longest_job_us};
        queue_.settle(jobs_[over.handle], over.charged, usual_weight, cpu);
        plain_.correct(lane_of(over.handle), over.charged, weighted(cpu, usual_weight));
        forget(over.handle);
    }
    void take_back()
    {
        if (running_.empty()) {
            return;
        }
        const Running back = take_running();
        const Job& job = jobs_[back.handle];
        queue_.refund(job, back.charged);
        plain_.correct(lane_of(back.handle), back.charged, 0);
        queue_.put_back(jobs_, back.handle, now_);
        plain_.add(number(job.id), job.arrival, lane_of(back.handle), now_);
        queued_.insert(back.handle);
    }
    void remove()
    {
        if (!queued_.empty()) {
            const JobHandle handle = *std::next(
                queued_.begin(), static_cast<std::ptrdiff_t>(random_() % queued_.size()));
            queued_.erase(handle);
            queue_.remove(jobs_, handle);
            plain_.remove(jobs_[handle].arrival, lane_of(handle));
            forget(handle);
        }
    }
    void forget(JobHandle handle)
    {
        plain_.leave(lane_of(handle));
        queue_.leave(jobs_[handle]);
        jobs_.remove(handle);
    }
    template <typename Who>
    void hold(std::set<Who>& held, Who who)
    {
        if (held.erase(who) == 0) {
            held.insert(who);
        } else {
            let_go(who);
        }
    }
    /// As often as not it is made good for the time.
    void let_go(UserId user)
    {
        queue_.free(user);
        if (random_() % 2 == 0) {
            queue_.come_back(user);
            plain_.come_back(user);
        }
    }
    void let_go(SessionId session)
    {
        const UserId user = user_of(session);
        queue_.free(user, session);
        if (random_() % 2 == 0) {
            queue_.come_back(user, session);
            plain_.come_back(user, session);
        }
    }
    [[nodiscard]] UserId user_of(SessionId session) const
    {
        return UserId{static_cast<std::uint32_t>(number(session) % scale_.users)};
    }

    Scale scale_;
    std::mt19937_64 random_;
    JobTable jobs_;
    JobQueue queue_;
    PlainQueue plain_;
    TimePoint now_{};
    std::uint64_t last_ = 0;
    std::set<JobHandle> queued_;
    std::vector<Running> running_;
    std::map<std::uint64_t, std::uint32_t> running_by_label_;
    std::set<UserId> suspended_users_;
    std::set<SessionId> behind_;
    std::uint64_t stopped_ = 1000;
    std::uint64_t served_ = 0;
    std::uint64_t passed_over_ = 0;
};

void run(const Scale& scale, std::uint64_t seeds, int steps)
{
    std::uint64_t served = 0;
    std::uint64_t passed_over = 0;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        Both both{scale, seed};
        for (int i = 0; i < steps; ++i) {
            both.step();
        }
        both.drain();
        served += both.served();
        passed_over += both.passed_over();
    }
    CHECK(served > seeds * static_cast<std::uint64_t>(steps) / 25);
    CHECK(passed_over > 0);
}

}  // namespace

TEST_CASE("whose turn it is, by the rule written plainly")
{
    run({}, 40, 1500);
}

TEST_CASE("the same with small jobs, whose lanes go on for a spell")
{
    run({.most_queued = 400, .longest_job_us = 40}, 20, 6000);
}

TEST_CASE("the same with one lane, and with none now and then")
{
    run({.users = 1, .sessions = 1, .labels = 1, .priorities = 1, .most_queued = 4}, 20, 1500);
}

TEST_CASE("the same with many sessions of few jobs")
{
    run({.users = 5, .sessions = 80, .labels = 3, .priorities = 1, .most_queued = 120}, 10, 1500);
}

TEST_CASE("the same with many labels of one user")
{
    run({.users = 1, .sessions = 2, .labels = 60, .priorities = 1, .label_bound = 1}, 10, 1500);
}

TEST_CASE("the same with more sessions than are remembered for ever")
{
    run({.users = 400, .sessions = 400, .labels = 2, .priorities = 3, .most_queued = 20}, 5, 3000);
}
