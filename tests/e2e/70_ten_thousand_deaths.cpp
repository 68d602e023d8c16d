// SPDX-License-Identifier: MIT
#include <filesystem>
#include <unordered_set>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

constexpr std::size_t deaths = sanitized ? 500 : 10'000;
constexpr unsigned workers = 4;

struct Holdings {
    std::size_t descriptors;
    std::size_t children;
    std::uint64_t resident;
};

Holdings holdings_of(const Daemon& daemon)
{
    return {daemon.open_descriptors(), daemon.children().size(), daemon.kibibytes("RssAnon")};
}

/// Jobs that tell which process ran them, and that process killed at once: mostly it is at its
/// next job by then, and may be done with that, too, before the signal is there. Answers how many
/// were killed.
std::size_t kill_workers(const Daemon& daemon, JsonClient& client, std::size_t kills)
{
    constexpr std::uint64_t in_flight = 3 * workers;
    std::uint64_t submitted = 0;
    std::uint64_t finished = 0;
    std::unordered_set<pid_t> killed;
    std::vector<int> ends;
    while (killed.size() < kills || finished < submitted) {
        while (killed.size() < kills && submitted < finished + in_flight) {
            client.submit(std::to_string(submitted++), "pid");
            ends.push_back(0);
        }
        const Value result = client.next("result");
        ++finished;
        ++ends.at(std::stoul(std::string{result.text_at("id")}));
        const bool succeeded = result.text_at("state") == "succeeded";
        REQUIRE((succeeded || cause_text(result, "signal") == "SIGKILL"));
        if (succeeded && killed.size() < kills) {
            const auto worker =
                static_cast<pid_t>(std::stol(std::string{result.text_at("payload")}));
            if (!killed.contains(worker) && daemon.kill_child(worker)) {
                killed.insert(worker);
            }
        }
        client.forget_others();
    }
    // Each exactly once.
    CHECK((ends == std::vector<int>(ends.size(), 1)));
    return killed.size();
}

bool leaves_names_in_shared_memory()
{
    for (const auto& entry : std::filesystem::directory_iterator{"/dev/shm"}) {
        if (entry.path().filename().string().find("jobmill") != std::string::npos) {
            return true;
        }
    }
    return false;
}

}  // namespace

TEST_CASE("ten thousand workers die in mid-work and nothing leaks and no job is lost")
{
    const Daemon daemon{pool_config(workers)};
    daemon.await_workers(workers);
    JsonClient client = daemon.json();
    // Until buffers have their sizes and counters their digits.
    (void)kill_workers(daemon, client, 200);
    daemon.await("all have died and are replaced", [&] {
        const Value pool = daemon.pool();
        return pool.integer_at("restarts") == 200 && pool.integer_at("workers") == workers;
    });
    daemon.await("nobody else is left", [&] { return daemon.children().size() == workers + 1; });
    const Holdings before = holdings_of(daemon);
    CHECK(kill_workers(daemon, client, deaths) == deaths);
    daemon.await_workers(workers);
    daemon.await("the dead are buried", [&] {
        const Holdings now = holdings_of(daemon);
        // Before, the daemon may still have had the session that asked for its status.
        return now.descriptors <= before.descriptors && now.children == before.children;
    });
    const Holdings after = holdings_of(daemon);
    CAPTURE(before.resident);
    CAPTURE(after.resident);
    if (!sanitized) {
        CHECK(after.resident < before.resident + 1024);
    }
    CHECK(static_cast<std::size_t>(daemon.pool().integer_at("restarts")) >= deaths);
    CHECK_FALSE(leaves_names_in_shared_memory());
    client.submit("last", "sum", "10");
    CHECK(client.result("last").text_at("payload") == "55");
}

}  // namespace jobmill::tests
