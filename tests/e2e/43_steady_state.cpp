// SPDX-License-Identifier: MIT
// What the daemon does not do for a job among many.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "common/unique_fd.hpp"
#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

/// How often a daemon has asked for memory, while this lives.
class Allocations {
public:
    explicit Allocations(const Place& place) : path_(place.directory() + "/allocations")
    {
        const UniqueFd file{::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
        REQUIRE(::ftruncate(file.get(), sizeof(std::uint64_t)) == 0);
        void* mapped = ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ, MAP_SHARED, file.get(), 0);
        REQUIRE(mapped != MAP_FAILED);
        counter_ = static_cast<std::atomic<std::uint64_t>*>(mapped);
    }
    ~Allocations() { ::munmap(counter_, sizeof(std::uint64_t)); }
    Allocations(const Allocations&) = delete;
    Allocations& operator=(const Allocations&) = delete;

    [[nodiscard]] std::vector<std::string> prefix() const
    {
        return {"/usr/bin/env", "LD_PRELOAD=" JOBMILL_COUNT_ALLOCATIONS,
                "JOBMILL_TEST_ALLOCATIONS=" + path_};
    }
    [[nodiscard]] std::uint64_t count() const { return counter_->load(); }

private:
    std::string path_;
    std::atomic<std::uint64_t>* counter_;
};

/// Jobs in rounds of so many at a time, one after another.
void run(BinaryClient& client, std::uint64_t rounds, std::uint64_t window)
{
    static std::uint64_t tag = 0;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        const std::uint64_t first = tag + 1;
        Bytes frames;
        for (std::uint64_t i = 0; i < window; ++i) {
            encode(Submit{.tag = Tag{++tag},
                          .size = 5,
                          .options = {.handler = "echo"},
                          .payload = bytes_of("hello")},
                   frames);
        }
        client.raw().send(frames);
        for (std::uint64_t i = 0; i < window; ++i) {
            (void)client.next(MessageType::result, first + i);
        }
        client.forget_others();
    }
}

}  // namespace

TEST_CASE("a job among many takes nothing from the heap" * doctest::skip(sanitized))
{
    const auto place = std::make_shared<Place>();
    const Allocations allocations{*place};
    const Daemon daemon{place, {.config = pool_config(2), .prefix = allocations.prefix()}};
    BinaryClient client = daemon.binary();
    for (const std::uint64_t window : {1U, 100U}) {
        CAPTURE(window);
        const std::uint64_t rounds = 5000 / window;
        run(client, rounds, window);
        CHECK(allocations.count() > 0);
        // Jobs whose worker the machine keeps waiting are taken back, which takes memory; a busy
        // machine does that now and then. Jobs themselves would take it each time.
        std::uint64_t fewest = rounds * window;
        for (int i = 0; i < 5; ++i) {
            const std::uint64_t before = allocations.count();
            run(client, rounds, window);
            fewest = std::min(fewest, allocations.count() - before);
        }
        // Tables and buffers may still grow once.
        CHECK(fewest < 25);
    }
}

TEST_CASE("a session that has said something long keeps no room for it" * doctest::skip(sanitized))
{
    const Daemon daemon{pool_config(1)};
    daemon.await_workers(1);
    const std::string spaces(std::size_t{255} * 1024, ' ');
    const std::string ping = R"({"op":"ping","id":"1")" + spaces + '}';
    std::vector<JsonClient> json;
    std::vector<BinaryClient> binary;
    json.push_back(daemon.json());
    json.back().send(ping);
    (void)json.back().next("pong");
    const std::uint64_t before = daemon.kibibytes("RssAnon");
    for (int i = 0; i < 32; ++i) {
        json.push_back(daemon.json());
        json.back().send(ping);
        (void)json.back().next("pong");
    }
    for (int i = 0; i < 32; ++i) {
        binary.push_back(daemon.binary());
        Bytes frames;
        for (std::uint64_t id = 1; id <= 250; ++id) {
            encode(
                Ping{.tag = Tag{id}, .payload = bytes_of(std::string_view{spaces}.substr(0, 1000))},
                frames);
        }
        binary.back().raw().send(frames);
        (void)binary.back().next(MessageType::pong, 250);
    }
    daemon.await("it is given back",
                 [&] { return daemon.kibibytes("RssAnon") < before + std::uint64_t{8} * 1024; });
}

}  // namespace jobmill::tests
