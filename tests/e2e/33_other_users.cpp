// SPDX-License-Identifier: MIT
// Three users, as the kernel tells them: whose jobs each sees and touches.
#include "tests/e2e/job_life.hpp"
#include "tests/e2e/users_daemon.hpp"

namespace jobmill::tests {
namespace {

constexpr uid_t anna = 4711;
constexpr uid_t bert = 4712;
constexpr uid_t carl = 4713;
constexpr gid_t admins = 1;  // which Debian calls "daemon"

std::string config()
{
    return pool_config(1, "admin_group = \"daemon\"\ndrain_timeout = \"0s\"") +
           "poison_after = 1\n";
}

/// Anna's jobs: one that runs, one that waits behind it, one that is finished and unread, and one
/// that was set aside.
struct World {
    World()
    {
        client.submit("done", "sum", "10", R"(,"detached":true)");
        done = client.job_of("done");
        daemon.await("a job is done", [&] { return daemon.pool().integer_at("done") == 1; });
        client.submit("poison", "segv");
        poison = client.job_of("poison");
        (void)client.result("poison");
        client.submit("runs", "until_cancelled", "", R"(,"started":true)");
        runs = client.job_of("runs");
        await_looking(client, "runs");
        client.submit("waits", "sum", "10", R"(,"detached":true)");
        waits = client.job_of("waits");
    }

    /// What somebody is told who asks about that job.
    Value answer(JsonClient asker, const std::string& op, const std::string& job) const
    {
        asker.send(R"({"op":")" + op + R"(","id":"x","job":")" + job + R"("})");
        auto first = asker.next();
        return first ? *first : Value{};
    }
    std::vector<std::string> listed(JsonClient asker) const
    {
        asker.send(R"({"op":"status"})");
        std::vector<std::string> list;
        const Value status = asker.next("status");
        for (const Value& job : *status.find("jobs")->array()) {
            list.emplace_back(job.text_at("job"));
        }
        return list;
    }

    const UsersDaemon daemon{config()};
    JsonClient client = daemon.json_as(anna);
    std::string done;
    std::string runs;
    std::string waits;
    std::string poison;
};

using Jobs = std::vector<std::string>;

}  // namespace

TEST_CASE("another user neither sees nor touches a user's jobs" *
          doctest::skip(!AsUser::possible()))
{
    World world;
    CHECK(world.listed(world.daemon.json_as(bert)).empty());
    for (const std::string& job : {world.done, world.runs, world.waits, world.poison}) {
        for (const char* op : {"cancel", "wait", "retry"}) {
            CAPTURE(op);
            const Value told = world.answer(world.daemon.json_as(bert), op, job);
            const Value never = world.answer(world.daemon.json_as(bert), op, "1" + job);
            CHECK(told.text_at("code") == "not_found");
            CHECK(never.text_at("code") == "not_found");
            std::string same{told.text_at("text")};
            if (const auto at = same.find(job); at != std::string::npos) {
                same.insert(at, "1");
            }
            CHECK(same == never.text_at("text"));
        }
    }
    JsonClient other = world.daemon.json_as(bert);
    other.send(R"({"op":"cancel","id":"x","all":true})");
    CHECK(other.next("error", "x").text_at("code") == "not_found");
    CHECK(world.listed(world.daemon.json_as(anna)) == Jobs{world.runs, world.waits, world.done});
}

TEST_CASE("the owner does both, from another session" * doctest::skip(!AsUser::possible()))
{
    World world;
    CHECK(world.answer(world.daemon.json_as(anna), "wait", world.done).text_at("payload") == "55");
    CHECK(world.answer(world.daemon.json_as(anna), "cancel", world.waits).integer_at("queued") ==
          1);
    CHECK(world.answer(world.daemon.json_as(anna), "cancel", world.runs).text_at("op") ==
          "cancelled");
    CHECK(world.client.result("runs").text_at("payload") == "stopped");
    CHECK(world.answer(world.daemon.json_as(anna), "retry", world.poison).text_at("op") ==
          "accepted");
}

TEST_CASE("root and members of the admin group do what the owner may" *
          doctest::skip(!AsUser::possible()))
{
    for (const bool root : {true, false}) {
        World world;
        const auto admin = [&] {
            return root ? world.daemon.json() : world.daemon.json_as(carl, {50, admins});
        };
        CHECK(world.listed(admin()) == Jobs{world.runs, world.waits, world.done});
        CHECK(world.answer(admin(), "wait", world.done).text_at("payload") == "55");
        CHECK(world.answer(admin(), "cancel", world.waits).integer_at("queued") == 1);
        CHECK(world.answer(admin(), "cancel", world.runs).text_at("op") == "cancelled");
        CHECK(world.client.result("runs").text_at("payload") == "stopped");
        CHECK(world.answer(admin(), "retry", world.poison).text_at("op") == "accepted");
    }
}

TEST_CASE("the daemon itself is changed by admins only" * doctest::skip(!AsUser::possible()))
{
    const UsersDaemon daemon{config()};
    const auto code = [](JsonClient client) {
        client.send(R"({"op":"log_level","id":"l","level":"info"})");
        return std::string{client.next()->text_at("code")};
    };
    CHECK(code(daemon.json_as(bert)) == "not_allowed");
    CHECK(code(daemon.json_as(bert, {50})) == "not_allowed");
    CHECK(code(daemon.json_as(bert, {admins})).empty());
    CHECK(code(daemon.json()).empty());
}

TEST_CASE("an admin group that is not there is a mistake in the configuration")
{
    const Departure departure =
        run_daemon({.config = pool_config(1, "admin_group = \"nobodies\"")});
    CHECK(departure.exit_code == 78);
    CHECK(departure.log.find("admin_group: there is no group \"nobodies\"") != std::string::npos);
}

}  // namespace jobmill::tests
