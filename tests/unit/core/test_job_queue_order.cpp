// SPDX-License-Identifier: MIT
// Whose turn it is: priorities and their ageing, users, sessions, labels.
#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "daemon/core/job_queue.hpp"

using namespace jobmill;
using namespace jobmill::core;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct Ask {
    std::uint32_t user = 1;
    std::uint64_t session = 1;
    std::uint32_t label = 0;
    std::int8_t priority = 0;
};

struct Fixture {
    JobTable jobs;
    JobQueue queue;
    TimePoint now{};
    std::map<JobHandle, Duration> charged;  ///< that are served
    std::uint64_t last = 0;
    std::uint32_t stopped_label = 99;

    JobHandle push(const Ask& ask)
    {
        Job job;
        job.id = JobId{++last};
        const JobHandle handle = jobs.add(job);
        queue.enter(jobs[handle], {.session = SessionId{ask.session},
                                   .user = UserId{ask.user},
                                   .label = LabelId{ask.label},
                                   .priority = ask.priority});
        queue.push(jobs, handle, now);
        return handle;
    }
    void push(const Ask& ask, int times)
    {
        for (int i = 0; i < times; ++i) {
            push(ask);
        }
    }
    JobHandle serve(std::uint32_t weight = usual_weight)
    {
        const JobHandle next = queue.first([this](const JobQueue::LaneKey& lane) {
            return number(lane.label) == stopped_label ? Hindrance::label : Hindrance::none;
        });
        if (next != no_job) {
            charged[next] = queue.serve(jobs, next, weight, now);
        }
        return next;
    }
    /// Its worker has said that it took so much.
    void finish(JobHandle handle, Duration cpu, std::uint32_t weight = usual_weight)
    {
        queue.begin(jobs[handle], charged.at(handle));
        queue.settle(jobs[handle], charged.at(handle), weight, cpu);
        queue.leave(jobs[handle]);
        jobs.remove(handle);
    }
    /// Runs the next job, of label 1 by twice the usual weight; whose it was.
    JobQueue::LaneKey run_by_weight()
    {
        const JobHandle next =
            queue.first([](const JobQueue::LaneKey&) { return Hindrance::none; });
        const JobQueue::LaneKey key = queue.key_of(jobs[next]);
        const std::uint32_t weight = number(key.label) == 1 ? 200 : usual_weight;
        charged[next] = queue.serve(jobs, next, weight, now);
        finish(next, milliseconds{3}, weight);
        return key;
    }
    std::uint64_t id(JobHandle handle) const { return number(jobs[handle].id); }
    std::uint64_t serve_id() { return id(serve()); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "the highest priority comes first, whoever came before")
{
    push({.priority = -5});
    push({.priority = 0});
    push({.priority = 100});
    push({.priority = 100});
    CHECK(serve_id() == 3);
    CHECK(serve_id() == 4);
    CHECK(serve_id() == 2);
    CHECK(serve_id() == 1);
    CHECK(serve() == no_job);
    CHECK(queue.empty());
}

TEST_CASE_FIXTURE(Fixture, "a level that is not served for n seconds counts n higher")
{
    push({.priority = 0}, 10);
    push({.priority = 3}, 10);
    now += seconds{2};
    CHECK(serve_id() == 11);  // both have waited for two seconds
    now += milliseconds{999};
    CHECK(serve_id() == 12);
    now += seconds{2};  // the lower one has waited for five seconds, the higher one for two
    CHECK(serve_id() == 13);
    now += milliseconds{1};
    CHECK(serve_id() == 1);
    CHECK(serve_id() == 14);
}

TEST_CASE_FIXTURE(Fixture, "a level begins to wait when it gets its first job")
{
    push({.priority = 5});
    now += seconds{10};
    push({.priority = 6});
    CHECK(serve_id() == 1);
    push({.priority = 0});
    CHECK(serve_id() == 2);
}

TEST_CASE_FIXTURE(Fixture, "the lowest priority is served within 200 seconds of its wait")
{
    push({.priority = -100});
    bool served = false;
    for (int i = 0; i < 202 && !served; ++i) {
        push({.priority = 100});
        served = serve_id() == 1;
        now += seconds{1};
    }
    CHECK(served);
}

TEST_CASE_FIXTURE(Fixture, "users take turns, however many jobs each has")
{
    push({.user = 1}, 1000);
    push({.user = 2, .session = 2}, 3);
    std::uint64_t others = 0;
    for (int i = 0; i < 6; ++i) {
        const JobHandle handle = serve();
        others += number(queue.key_of(jobs[handle]).user) == 2 ? 1U : 0U;
        finish(handle, milliseconds{1});
    }
    CHECK(others == 3);
}

TEST_CASE_FIXTURE(Fixture, "who comes to a long queue is served next")
{
    push({.user = 1}, 1000);
    for (int i = 0; i < 500; ++i) {
        finish(serve(), milliseconds{7});
    }
    push({.user = 2, .session = 2});
    const JobHandle next = serve();
    const JobHandle after_that = serve();
    CHECK((number(queue.key_of(jobs[next]).user) == 2 ||
           number(queue.key_of(jobs[after_that]).user) == 2));
}

TEST_CASE_FIXTURE(Fixture, "with small jobs a turn is a spell of some, and shares are as just")
{
    constexpr Duration cpu = microseconds{2};
    push({.user = 1}, 100);
    for (int i = 0; i < 100; ++i) {
        finish(serve(), cpu);
    }
    push({.user = 1}, 5000);
    push({.user = 2, .session = 2}, 5000);
    std::map<std::uint32_t, Duration> spent;
    std::uint32_t last_user = 0;
    int turns = 0;
    for (int i = 0; i < 5000; ++i) {
        const JobHandle handle = serve();
        const std::uint32_t user = number(queue.key_of(jobs[handle]).user);
        turns += user == last_user ? 0 : 1;
        last_user = user;
        spent[user] += cpu;
        finish(handle, cpu);
        CHECK(std::chrono::abs(spent[1] - spent[2]) <= microseconds{260});
    }
    CHECK(turns >= 5000 / 126);
    CHECK(turns <= 5000 / 110);
}

TEST_CASE_FIXTURE(Fixture, "a spell is over when something more urgent comes")
{
    push({.user = 1}, 100);
    for (int i = 0; i < 60; ++i) {
        finish(serve(), microseconds{1});
    }
    push({.user = 2, .session = 2, .priority = 1});
    CHECK(number(queue.key_of(jobs[serve()]).user) == 2);
}

TEST_CASE_FIXTURE(Fixture, "users have the same CPU time, not the same number of jobs")
{
    push({.user = 1}, 2000);
    push({.user = 2, .session = 2}, 2000);
    std::map<std::uint32_t, Duration> spent;
    for (int i = 0; i < 1500; ++i) {
        const JobHandle handle = serve();
        const std::uint32_t user = number(queue.key_of(jobs[handle]).user);
        const Duration cpu = user == 1 ? milliseconds{1} : milliseconds{9};
        spent[user] += cpu;
        finish(handle, cpu);
    }
    CHECK(spent[1] < spent[2] + milliseconds{20});
    CHECK(spent[2] < spent[1] + milliseconds{20});
}

TEST_CASE_FIXTURE(Fixture, "the sessions of a user share what he has")
{
    push({.user = 1, .session = 1}, 500);
    push({.user = 1, .session = 2}, 500);
    push({.user = 2, .session = 3}, 500);
    std::map<std::uint64_t, int> served;
    for (int i = 0; i < 400; ++i) {
        const JobHandle handle = serve();
        ++served[number(queue.key_of(jobs[handle]).session)];
        finish(handle, milliseconds{2});
    }
    CHECK(served[3] >= 199);
    CHECK(served[3] <= 201);
    CHECK(served[1] >= 99);
    CHECK(served[1] <= 101);
}

TEST_CASE_FIXTURE(Fixture, "a session begins where those of its user are, not those of others")
{
    push({.user = 1, .session = 1}, 500);
    push({.user = 1, .session = 2}, 500);
    push({.user = 2, .session = 3}, 500);
    for (int i = 0; i < 400; ++i) {
        finish(serve(), milliseconds{1});
    }
    // The other user's only session has had twice what each of these has.
    push({.user = 1, .session = 4}, 10);
    int served = 0;
    for (int i = 0; i < 60; ++i) {
        const JobHandle handle = serve();
        served += queue.key_of(jobs[handle]).session == SessionId{4} ? 1 : 0;
        finish(handle, milliseconds{1});
    }
    CHECK(served == 10);
}

TEST_CASE_FIXTURE(Fixture, "who comes later does not wait for what others hold ahead")
{
    push({.user = 1, .session = 1}, 500);
    std::vector<JobHandle> held(100);
    std::generate(held.begin(), held.end(), [this] { return serve(); });
    queue.begin(jobs[held.front()], charged.at(held.front()));
    push({.user = 2, .session = 2}, 100);
    for (std::size_t i = 50; i < 100; ++i) {  // which is taken back for his sake
        queue.begin(jobs[held[i]], charged.at(held[i]));
        queue.refund(jobs[held[i]], charged.at(held[i]));
        queue.put_back(jobs, held[i], now);
    }
    for (int i = 0; i < 40; ++i) {
        CHECK(queue.key_of(jobs[serve()]).user == UserId{2});
    }
}

TEST_CASE_FIXTURE(Fixture, "who comes later shares with those whose jobs run")
{
    push({.user = 1, .session = 1}, 500);
    for (int i = 0; i < 100; ++i) {
        const JobHandle handle = serve();
        queue.begin(jobs[handle], charged.at(handle));
    }
    push({.user = 2, .session = 2}, 100);
    int served = 0;
    for (int i = 0; i < 20; ++i) {
        const JobHandle handle = serve();
        served += queue.key_of(jobs[handle]).user == UserId{2} ? 1 : 0;
        queue.begin(jobs[handle], charged.at(handle));
    }
    CHECK(served >= 9);
    CHECK(served <= 11);
}

TEST_CASE_FIXTURE(Fixture, "sessions of one job each, however many, do not keep a long one waiting")
{
    push({.user = 1, .session = 1}, 1000);
    for (int i = 0; i < 100; ++i) {
        finish(serve(), milliseconds{1});
    }
    int served = 0;
    std::uint64_t session = 1;
    const auto come = [&] { push({.user = 1, .session = ++session}); };
    for (int i = 0; i < 4; ++i) {
        come();
    }
    for (int i = 0; i < 300; ++i) {
        const JobHandle handle = serve();
        const bool is_long = queue.key_of(jobs[handle]).session == SessionId{1};
        served += is_long ? 1 : 0;
        finish(handle, milliseconds{1});
        if (!is_long) {
            come();
        }
    }
    CHECK(served >= 40);  // of five that are there it is one
}

TEST_CASE_FIXTURE(Fixture, "twice the weight is twice the share")
{
    push({.user = 1, .session = 1, .label = 1}, 900);
    push({.user = 2, .session = 2}, 900);
    std::map<std::uint32_t, int> served;
    for (int i = 0; i < 600; ++i) {
        ++served[number(run_by_weight().user)];
    }
    CHECK(served[1] > 395);
    CHECK(served[1] < 405);
}

TEST_CASE_FIXTURE(Fixture, "twice the weight is twice the share within a session, too")
{
    push({.label = 1}, 60);
    push({.label = 2}, 60);
    std::map<std::uint32_t, int> served;
    for (int i = 0; i < 60; ++i) {
        ++served[number(run_by_weight().label)];
    }
    CHECK(served[1] >= 39);
    CHECK(served[1] <= 41);
}

TEST_CASE_FIXTURE(Fixture, "a label that may not run is passed over, not the lanes beside it")
{
    push({.label = 1});
    push({.label = 2});
    push({.label = 1, .priority = 9});
    stopped_label = 1;
    CHECK(serve_id() == 2);
    CHECK(serve() == no_job);
    CHECK(queue.size() == 2);
    CHECK(queue.any() != no_job);
    stopped_label = 99;
    CHECK(serve_id() == 3);
    CHECK(serve_id() == 1);
    CHECK(queue.any() == no_job);
}

TEST_CASE_FIXTURE(Fixture, "labels of one session take turns")
{
    push({.label = 1}, 10);
    push({.label = 2}, 10);
    std::map<std::uint32_t, int> served;
    for (int i = 0; i < 10; ++i) {
        ++served[number(queue.key_of(jobs[serve()]).label)];
    }
    CHECK(served[1] == 5);
    CHECK(served[2] == 5);
}

TEST_CASE_FIXTURE(Fixture, "a job that comes back is not charged, and gets its old turn")
{
    push({.user = 1, .session = 1}, 3);
    push({.user = 2, .session = 2}, 3);
    const JobHandle first = serve();
    CHECK(id(first) == 1);
    CHECK(serve_id() == 4);
    queue.begin(jobs[first], charged.at(first));
    queue.refund(jobs[first], charged.at(first));
    queue.put_back(jobs, first, now);
    CHECK(serve_id() == 1);
    CHECK(serve_id() == 2);  // as if nobody had been served before
}

TEST_CASE_FIXTURE(Fixture, "the lanes of sessions that are gone are used again")
{
    for (std::uint64_t session = 1; session <= 1000; ++session) {
        push({.user = static_cast<std::uint32_t>(session), .session = session});
        finish(serve(), milliseconds{1});
    }
    CHECK(queue.empty());
    const JobHandle one = push({.session = 5000});
    CHECK(number(jobs[one].lane) < 600);
    CHECK(serve() == one);
}

TEST_CASE_FIXTURE(Fixture, "what a job is expected to cost follows what jobs have cost")
{
    push({}, 100);
    for (int i = 0; i < 100; ++i) {
        finish(serve(), seconds{1});
    }
    CHECK(queue.expected() > milliseconds{990});
    CHECK(queue.expected() <= seconds{1});
}

TEST_CASE_FIXTURE(Fixture, "any job is found while there is one")
{
    CHECK(queue.any() == no_job);
    const JobHandle low = push({.priority = -100});
    const JobHandle high = push({.priority = 100});
    CHECK(queue.any() == low);
    queue.remove(jobs, low);
    CHECK(queue.any() == high);
    queue.remove(jobs, high);
    CHECK(queue.any() == no_job);
}

TEST_CASE_FIXTURE(Fixture, "random pushes, removals and returns keep each lane in order")
{
    std::mt19937_64 random(7);
    std::vector<JobHandle> held;
    for (int step = 0; step < 20'000; ++step) {
        now += milliseconds{random() % 3};
        const auto dice = random() % 100;
        if (dice < 45 && queue.size() < 300) {
            const std::uint64_t session = random() % 6;
            push({.user = static_cast<std::uint32_t>(session % 2),
                  .session = session,
                  .label = static_cast<std::uint32_t>(random() % 2),
                  .priority = static_cast<std::int8_t>(session % 3)});
        } else if (dice < 80 && !queue.empty()) {
            held.push_back(serve());
        } else if (!held.empty()) {
            const std::size_t which = random() % held.size();
            const JobHandle handle = held[which];
            held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
            if (dice < 95) {
                queue.begin(jobs[handle], charged.at(handle));
                queue.refund(jobs[handle], charged.at(handle));
                queue.put_back(jobs, handle, now);
            } else {
                finish(handle, milliseconds{random() % 9});
            }
        }
    }
    std::map<LaneId, std::uint64_t> last_of_lane;
    const std::size_t left = queue.size();
    std::size_t served = 0;
    for (JobHandle next = serve(); next != no_job; next = serve()) {
        const Job& job = jobs[next];
        CHECK(job.arrival > last_of_lane[job.lane]);
        last_of_lane[job.lane] = job.arrival;
        ++served;
    }
    CHECK(served == left);
    CHECK(queue.empty());
}
