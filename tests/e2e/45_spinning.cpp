// SPDX-License-Identifier: MIT
// A daemon and workers that look for something to do for a while sleep nevertheless.
#include <fstream>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

bool sleeps(pid_t pid)
{
    std::ifstream stat{"/proc/" + std::to_string(pid) + "/stat"};
    std::string text;
    std::getline(stat, text);
    const std::size_t name_end = text.rfind(')');
    return name_end != std::string::npos && text.substr(name_end + 2, 1) == "S";
}

/// Jobs one after the other, then nothing.
void serve_and_sleep(const Daemon& daemon)
{
    daemon.await_workers(2);
    JsonClient client = daemon.json();
    for (int i = 0; i < 100; ++i) {
        const std::string id = std::to_string(i);
        client.submit(id, "sum", "10");
        CHECK(client.result(id).text_at("payload") == "55");
    }
    std::vector<pid_t> all = daemon.children();
    all.push_back(daemon.pid());
    for (const pid_t pid : all) {
        daemon.await("it sleeps", [&] { return sleeps(pid); });
    }
    CHECK(daemon.pool().integer_at("done") == 100);
}

}  // namespace

TEST_CASE("who spins serves as before, and sleeps when there is nothing to do")
{
    serve_and_sleep(Daemon{"spin = \"1ms\"\n" + pool_config(2) + "spin = \"1ms\"\n"});
}

TEST_CASE("so does who spins as long as it pays, and who never spins")
{
    serve_and_sleep(Daemon{pool_config(2)});
    serve_and_sleep(Daemon{"spin = \"none\"\n" + pool_config(2)});
}

}  // namespace jobmill::tests
