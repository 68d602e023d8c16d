// SPDX-License-Identifier: MIT
// Clients that announce much, connect much, and send what nobody asked for; and what that costs.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <fstream>

#include "tests/e2e/descriptor_limit.hpp"
#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

/// Connects until the queue of those that wait to be accepted is full.
std::vector<UniqueFd> fill_queue(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    std::vector<UniqueFd> clients;
    while (true) {
        UniqueFd client{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        REQUIRE(client);
        if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
            0) {
            REQUIRE(errno == EAGAIN);
            return clients;
        }
        clients.push_back(std::move(client));
    }
}

/// "jobmill -s SOCKET ping", begun.
pid_t start_ping(const std::string& socket)
{
    std::string path = socket;
    std::string program = JOBMILL_PROGRAM;
    std::string dash = "-s";
    std::string command = "ping";
    std::array<char*, 5> words{program.data(), dash.data(), path.data(), command.data(), nullptr};
    pid_t pid = -1;
    REQUIRE(::posix_spawn(&pid, program.c_str(), nullptr, nullptr, words.data(), environ) == 0);
    return pid;
}

/// Between two attempts to connect. The system call that a process waits in begins its line.
bool waits_to_be_accepted(pid_t pid)
{
    long call = -1;
    std::ifstream{"/proc/" + std::to_string(pid) + "/syscall"} >> call;
    return call == SYS_poll;
}

}  // namespace

TEST_CASE("twenty payloads of 200 MB that are announced take what was sent of them, elsewhere")
{
    const Daemon daemon{pool_config(1)};
    daemon.check_healthy();
    std::vector<BinaryClient> clients;
    for (int i = 0; i < 20; ++i) {
        clients.push_back(daemon.binary());
        clients.back().ping();
    }
    const std::uint64_t resident = daemon.kibibytes("RssAnon");
    const std::uint64_t virtual_size = daemon.kibibytes("VmSize");
    const std::string piece(50'000, 'x');
    for (BinaryClient& client : clients) {
        client.send(Submit{.tag = Tag{1},
                           .size = 200'000'000,
                           .more = true,
                           .options = {.handler = "echo"},
                           .payload = bytes_of(piece)});
        client.send(Piece{.tag = Tag{1}, .more = true, .payload = bytes_of(piece)});
        client.ping();
    }
    if (!sanitized) {
        // Both messages of a client may come at once, into a buffer that grows by doubling.
        constexpr std::uint64_t buffer = 128;
        CHECK(daemon.kibibytes("RssAnon") <= resident + clients.size() * buffer);
        CHECK(daemon.kibibytes("VmSize") <= virtual_size + clients.size() * buffer);
    }
    // The whole is counted against what a user may have, however little has come.
    const std::size_t open = daemon.open_descriptors();
    clients.clear();
    daemon.await("the blobs are closed", [&] { return daemon.open_descriptors() + 40 <= open; });
    daemon.check_healthy();
}

TEST_CASE("253 descriptors a message, a thousand times, leave none")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient frames = daemon.binary();
    frames.ping();
    daemon.await_workers(1);
    daemon.check_healthy();
    frames.ping();
    const std::size_t before = daemon.open_descriptors();
    const UniqueFd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const std::vector<int> many(253, null.get());
    Bytes ping;
    encode(Ping{.tag = Tag{5}}, ping);
    const int rounds = sanitized ? 100 : 1000;
    for (int i = 0; i < rounds; ++i) {
        frames.raw().send(ping, many);
        (void)frames.next(MessageType::pong, 5);
    }
    CHECK(daemon.open_descriptors() == before);
}

TEST_CASE("a storm of connections leaves nothing and keeps nobody from his work")
{
    const Daemon daemon{pool_config(1, "max_sessions = 64")};
    JsonClient worker = daemon.json();
    worker.ping();
    daemon.await_workers(1);
    daemon.check_healthy();
    const std::size_t before = daemon.open_descriptors();
    const std::uint64_t resident = daemon.kibibytes("RssAnon");
    const int rounds = sanitized ? 20 : 100;
    for (int i = 0; i < rounds; ++i) {
        std::vector<RawClient> storm;
        storm.reserve(100);
        for (int j = 0; j < 100; ++j) {
            storm.emplace_back(daemon.socket());
        }
        if (i % 10 == 0) {
            worker.submit("w", "sum", "10");
            CHECK(worker.result("w").text_at("payload") == "55");
        }
    }
    daemon.await("the descriptors are closed", [&] { return daemon.open_descriptors() <= before; });
    if (!sanitized) {
        CHECK(daemon.kibibytes("RssAnon") <= resident + 2048);
    }
    worker.ping();
}

TEST_CASE("what a burst of jobs took is given back when nothing is left to do")
{
    const Daemon daemon{pool_config(1)};
    daemon.await_workers(1);
    daemon.check_healthy();
    const std::uint64_t resident = daemon.kibibytes("RssAnon");
    {
        const std::string args = R"(,"args":{"text":")" + std::string(50'000, 'x') + R"("})";
        std::vector<JsonClient> clients;
        for (int i = 0; i < 3; ++i) {
            clients.push_back(daemon.json());
            clients.back().submit("first", "until_cancelled");
            for (int job = 0; job < 1000; ++job) {
                clients.back().submit(std::to_string(job), "echo", "", args);
                (void)clients.back().job_of(std::to_string(job));
            }
        }
        CHECK(daemon.kibibytes("RssAnon") > resident + 140'000);
    }
    daemon.check_healthy();
    if (!sanitized) {
        daemon.await("the memory is given back",
                     [&] { return daemon.kibibytes("RssAnon") < resident + 40'000; });
    }
}

TEST_CASE("who finds the queue of connections full waits and is served")
{
    const Daemon daemon{pool_config(1)};
    daemon.check_healthy();
    const std::size_t before = daemon.open_descriptors();
    const DescriptorLimit many{RLIM_INFINITY};
    daemon.signal(SIGSTOP);
    std::vector<UniqueFd> crowd = fill_queue(daemon.socket());
    const pid_t late = start_ping(daemon.socket());
    daemon.await("one more connects", [&] { return waits_to_be_accepted(late); });
    crowd.clear();
    daemon.signal(SIGCONT);
    int status = -1;
    REQUIRE(::waitpid(late, &status, 0) == late);
    CHECK(status == 0);
    daemon.await("the descriptors are closed", [&] { return daemon.open_descriptors() <= before; });
    daemon.check_healthy();
}

TEST_CASE("at the limit of descriptors each of sixty clients is served or told busy")
{
    const Daemon daemon{std::make_shared<Place>(), with_descriptors(40, pool_config(1))};
    daemon.await_workers(1);
    std::vector<JsonClient> clients;
    int served = 0;
    for (int i = 0; i < 60; ++i) {
        clients.push_back(daemon.json());
        const std::string refusal = clients.back().try_ping();
        CHECK_MESSAGE((refusal.empty() || refusal == "busy"), refusal);
        served += refusal.empty() ? 1 : 0;
    }
    CHECK(served > 0);
    CHECK(served < 60);
    // What clients cannot have is there for a worker.
    clients.front().submit("x", "segv");
    CHECK(clients.front().result("x").text_at("state") == "crashed");
    clients.front().submit("y", "sum", "10");
    CHECK(clients.front().result("y").text_at("payload") == "55");
}

TEST_CASE("payloads in descriptors are refused before they are all of them")
{
    const Daemon daemon{std::make_shared<Place>(),
                        with_descriptors(128, pool_config(1, "drain_timeout = \"0s\""))};
    daemon.await_workers(1);
    BinaryClient client = daemon.binary();
    client.submit(1, "until_cancelled");
    REQUIRE(client.next());  // accepted, so that no later one is told of together with it
    int accepted = 0;
    std::string code;
    for (std::uint64_t tag = 2; tag < 128 && code.empty(); ++tag) {
        client.send(Submit{.tag = Tag{tag},
                           .size = 100'000,
                           .more = true,
                           .options = {.handler = "echo"},
                           .payload = bytes_of(std::string(50'000, 'x'))});
        client.send(
            Piece{.tag = Tag{tag}, .more = false, .payload = bytes_of(std::string(50'000, 'x'))});
        const auto message = [&] {
            while (true) {
                auto next = client.next();
                if (!next || next->type == MessageType::error ||
                    (next->type == MessageType::accepted && next->id >= 2)) {
                    return next;
                }
            }
        }();
        REQUIRE(message);
        if (message->type == MessageType::error) {
            code = message->as<ErrorMessage>().error.code;
        } else {
            ++accepted;
        }
    }
    CHECK(code == "busy");
    CHECK(accepted > 10);
    // Others get in, and small jobs are taken.
    JsonClient other = daemon.json();
    other.submit("s", "sum", "10", R"(,"detached":true)");
    CHECK_FALSE(other.job_of("s").empty());
}

}  // namespace jobmill::tests
