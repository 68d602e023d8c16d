// SPDX-License-Identifier: MIT
// Which job is next, and how many run at the same time.
#include <algorithm>

#include "tests/e2e/job_life.hpp"

namespace jobmill::tests {
namespace {

/// Returns when it has ended: well, or by a signal, when it was too slow to see that it is
/// cancelled on a busy machine.
void cancel(JsonClient& client, const std::string& id)
{
    client.send(R"({"op":"cancel","id":")" + id + R"("})");
    const std::string end = end_of(client, id);
    CHECK_MESSAGE((end == "succeeded" || end == "cancelled"), end);
}

/// A pool whose only worker is held by a job until release() is called.
class HeldPool {
public:
    explicit HeldPool(const std::string& before = "")
        : daemon(pool_config(1, before)), holder_(daemon.json())
    {
        begin(holder_, "holds", "until_cancelled");
    }
    void release() { cancel(holder_, "holds"); }

    // NOLINTNEXTLINE(misc-non-private-member-variables-in-classes): the test's own
    Daemon daemon;

private:
    JsonClient holder_;
};

/// How many jobs of `counter` that worker had run, this one among them.
int place_of(JsonClient& client, const std::string& id)
{
    return std::stoi(std::string{client.result(id).text_at("payload")});
}

/// As many jobs in one message, of which nobody waits for the results.
void submit_crowd(JsonClient& client, int count, const std::string& handler,
                  const std::string& payload)
{
    std::string ids;
    std::string payloads;
    for (int i = 0; i < count; ++i) {
        ids += (i == 0 ? "\"" : ",\"") + std::to_string(i) + '"';
        payloads += (i == 0 ? "\"" : ",\"") + payload + '"';
    }
    client.send(R"({"op":"submit_many","detached":true,"label":"crowd","handler":")" + handler +
                R"(","ids":[)" + ids + R"(],"payloads":[)" + payloads + "]}");
    (void)client.next("accepted", "0");
}

std::int64_t running(const Daemon& daemon, std::size_t pool = 0)
{
    return daemon.pool(pool).integer_at("busy");
}

void cancel_all(const Daemon& daemon)
{
    JsonClient client = daemon.json();
    CHECK(ask(client, "cancel", R"(,"all":true)").text_at("op") == "cancelled");
}

}  // namespace

TEST_CASE("of jobs that wait the one of the highest priority is next, then the oldest")
{
    HeldPool pool;
    JsonClient client = pool.daemon.json();
    const std::pair<const char*, int> jobs[] = {
        {"low", -100}, {"plain", 0}, {"high", 5}, {"high too", 5}, {"highest", 100}};
    for (const auto& [id, priority] : jobs) {
        client.submit(id, "counter", "", R"(,"priority":)" + std::to_string(priority));
    }
    client.ping();
    CHECK(listed(pool.daemon, "jobs", "state", "queued").integer_at("priority") == -100);
    pool.release();
    CHECK(place_of(client, "highest") == 1);
    CHECK(place_of(client, "high") == 2);
    CHECK(place_of(client, "high too") == 3);
    CHECK(place_of(client, "plain") == 4);
    CHECK(place_of(client, "low") == 5);
}

TEST_CASE("two sessions of one user take turns however many jobs each has")
{
    HeldPool pool;
    JsonClient many = pool.daemon.json();
    JsonClient few = pool.daemon.json();
    constexpr int crowd = 400;
    constexpr int handful = 20;
    for (int i = 0; i < crowd; ++i) {
        many.submit(std::to_string(i), "counter");
    }
    many.ping();
    for (int i = 0; i < handful; ++i) {
        few.submit(std::to_string(i), "counter");
    }
    few.ping();
    pool.release();
    CHECK(place_of(few, "0") <= 3);
    // Twice as many as there are until then, if all cost the same; but they are short and uneven.
    CHECK(place_of(few, std::to_string(handful - 1)) < crowd / 2);
    CHECK(place_of(many, std::to_string(crowd - 1)) == crowd + handful);
}

TEST_CASE("twenty thousand queued jobs delay another session by one or two of them")
{
    const Daemon daemon{pool_config(1)};
    JsonClient crowd = daemon.json();
    JsonClient client = daemon.json();
    for (int i = 0; i < 2; ++i) {
        submit_crowd(crowd, 10'000, "cpu", "100");
    }
    for (int round = 0; round < 5; ++round) {
        client.send(R"({"op":"status","id":"before"})");
        client.submit("mine", "sum", "100");
        const Value before = client.next("status", "before");
        CHECK(client.result("mine").text_at("payload") == "5050");
        const auto done = [](const Value& status) {
            return status.find("pools")->array()->at(0).integer_at("done");
        };
        // Mine, the one that ran when it came, and those that end until the answer is here.
        CHECK(done(ask(client, "status")) - done(before) <= 4);
    }
    const Value gone = ask(client, "cancel", R"(,"label":"crowd")");
    CHECK(gone.integer_at("queued") > 19'000);
    CHECK(daemon.pool().integer_at("queued") == 0);
}

TEST_CASE("of one label only so many run, and the others are not held up")
{
    const Daemon daemon{pool_config(4) + "[label.slow]\nmax_running = 1\n"};
    JsonClient client = daemon.json();
    for (const char* const id : {"1", "2", "3"}) {
        client.submit(id, "until_cancelled", "", R"(,"label":"slow","started":true)");
    }
    client.submit("free", "sum", "10");
    CHECK(client.result("free").text_at("payload") == "55");
    await_looking(client, "1");
    CHECK(running(daemon) == 1);
    const Value label = listed(daemon, "labels", "label", "slow");
    CHECK(label.integer_at("running") == 1);
    CHECK(label.integer_at("max_running") == 1);
    cancel(client, "1");
    await_looking(client, "2");
    CHECK(running(daemon) == 1);
    CHECK(ask(client, "adjust", R"(,"label":"slow","max_running":2)").text_at("op") == "adjust");
    await_looking(client, "3");
    CHECK(running(daemon) == 2);
    cancel_all(daemon);
}

TEST_CASE("a label that nobody knew before is held from its adjustment on")
{
    HeldPool pool;
    JsonClient client = pool.daemon.json();
    for (const char* const id : {"1", "2"}) {
        client.submit(id, "until_cancelled", "", R"(,"label":"new","started":true)");
    }
    (void)ask(client, "adjust", R"(,"label":"new","max_running":1)");
    CHECK(reload_with(pool.daemon, pool_config(3)).text_at("op") == "reload");
    // The file knows nothing of it: both run.
    await_looking(client, "1");
    await_looking(client, "2");
    client.submit("3", "until_cancelled", "", R"(,"label":"new","started":true)");
    (void)ask(client, "adjust", R"(,"label":"new","max_running":1)");
    cancel(client, "1");
    CHECK(listed(pool.daemon, "labels", "label", "new").integer_at("running") == 1);
    client.send(R"({"op":"cancel","id":"2"})");
    await_looking(client, "3");
    cancel_all(pool.daemon);
}

TEST_CASE("what runs when its label gets its first bound counts at once")
{
    const Daemon daemon{pool_config(3)};
    JsonClient client = daemon.json();
    const auto submit = [&](const char* id) {
        client.submit(id, "until_cancelled", "", R"(,"label":"late","started":true)");
    };
    for (const char* const id : {"1", "2"}) {
        submit(id);
        await_looking(client, id);
    }
    (void)ask(client, "adjust", R"(,"label":"late","max_running":1)");
    CHECK(listed(daemon, "labels", "label", "late").integer_at("running") == 2);
    submit("3");
    client.submit("free", "sum", "10");
    CHECK(client.result("free").text_at("payload") == "55");
    CHECK(running(daemon) == 2);
    cancel(client, "1");
    CHECK(running(daemon) == 1);
    cancel(client, "2");
    await_looking(client, "3");
    cancel_all(daemon);
}

TEST_CASE("no more labels are adjusted than an answer can list")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const auto adjust = [&](std::size_t label) {
        return ask(client, "adjust",
                   R"(,"label":"l)" + std::to_string(label) + R"(","max_running":1)");
    };
    for (std::size_t label = 1; label <= limits::labels; ++label) {
        CHECK(adjust(label).find("labels")->array()->size() == label);
    }
    const Value refused = adjust(limits::labels + 1);
    CHECK(refused.text_at("code") == "too_large");
    CHECK(refused.text_at("field") == "label");
    CHECK(refused.integer_at("limit") == static_cast<std::int64_t>(limits::labels));
    CHECK(adjust(1).text_at("op") == "adjust");
    CHECK(ask(client, "adjust", R"(,"label":"new","max_running":"unlimited")").text_at("op") ==
          "adjust");
}

TEST_CASE("a label that was given back leaves its place to another")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const auto adjust = [&](std::size_t label, const std::string& bound) {
        const std::string name = "l" + std::to_string(label);
        return ask(client, "adjust", R"(,"label":")" + name + R"(","max_running":)" + bound);
    };
    for (std::size_t label = 1; label <= limits::labels + 1; ++label) {
        CHECK(adjust(label, "1").find("labels")->array()->size() == 1);
        CHECK(adjust(label, R"("unlimited")").find("labels")->array()->empty());
    }
}

TEST_CASE("jobs of a label that lost its rules do not count for the next one")
{
    const Daemon daemon{pool_config(4)};
    JsonClient client = daemon.json();
    (void)ask(client, "adjust", R"(,"label":"old","max_running":2)");
    const auto submit = [&](const char* id, const std::string& label) {
        client.submit(id, "until_cancelled", "", R"(,"label":")" + label + R"(","started":true)");
    };
    submit("1", "old");
    submit("2", "old");
    await_looking(client, "1");
    await_looking(client, "2");
    (void)ask(client, "adjust", R"(,"label":"old","max_running":"unlimited")");
    (void)ask(client, "adjust", R"(,"label":"next","max_running":1)");
    CHECK(listed(daemon, "labels", "label", "next").integer_at("running") == 0);
    submit("3", "next");
    await_looking(client, "3");
    (void)ask(client, "adjust", R"(,"label":"old","max_running":1)");
    CHECK(listed(daemon, "labels", "label", "old").integer_at("running") == 2);
    CHECK(listed(daemon, "labels", "label", "next").integer_at("running") == 1);
    cancel_all(daemon);
}

TEST_CASE("of a pool only so many run, as its file and whoever adjusts it say")
{
    const std::string config = pool_config(3) + "max_running = 1\n";
    const Daemon daemon{config};
    JsonClient client = daemon.json();
    for (const char* const id : {"1", "2", "3"}) {
        client.submit(id, "until_cancelled", "", R"(,"started":true)");
    }
    await_looking(client, "1");
    CHECK(running(daemon) == 1);
    const Value answer = ask(client, "adjust", R"(,"pool":"default","max_running":2,"weight":300)");
    const Value& pool = answer.find("pools")->array()->at(0);
    CHECK(pool.integer_at("max_running") == 2);
    CHECK(pool.integer_at("weight") == 300);
    await_looking(client, "2");
    CHECK(running(daemon) == 2);
    CHECK(daemon.pool().integer_at("max_running") == 2);
    (void)ask(client, "adjust", R"(,"pool":"default","max_running":"unlimited")");
    await_looking(client, "3");
    // A reload brings back what the file says; what runs is let finish.
    CHECK(reload_with(daemon, config).text_at("op") == "reload");
    CHECK(daemon.pool().integer_at("max_running") == 1);
    CHECK(daemon.pool().integer_at("weight") == 100);
    CHECK(running(daemon) == 3);
    client.submit("4", "until_cancelled");
    cancel(client, "1");
    CHECK(running(daemon) == 2);
    cancel_all(daemon);
    CHECK(ask(client, "adjust", R"(,"pool":"none","max_running":1)").text_at("code") ==
          "unknown_pool");
}

TEST_CASE("of all pools together only so many run")
{
    const Daemon daemon{pool_config(2, "max_running = 2\n") +
                        "[pool.other]\nworkers = 2\nmodules = [\"" + test_module() + "\"]\n"};
    JsonClient client = daemon.json();
    for (const char* const id : {"1", "2"}) {
        begin(client, id, "until_cancelled");
    }
    client.submit("3", "until_cancelled", "", R"(,"started":true,"pool":"other")");
    client.ping();
    CHECK(running(daemon, 1) == 0);
    client.send(R"({"op":"cancel","id":"1"})");
    await_looking(client, "3");
    CHECK(running(daemon, 1) == 1);
    client.submit("4", "until_cancelled", "", R"(,"started":true,"pool":"other")");
    client.ping();
    CHECK(running(daemon, 1) == 1);
    CHECK(ask(client, "adjust", R"(,"max_running":3)").integer_at("max_running") == 3);
    await_looking(client, "4");
    CHECK(ask(client, "adjust", R"(,"weight":3)").text_at("code") == "missing_field");
    CHECK(ask(client, "adjust").integer_at("max_running") == 3);
    cancel_all(daemon);
}

}  // namespace jobmill::tests
