// SPDX-License-Identifier: MIT
// What the daemon does not do for a job among many.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "common/unique_fd.hpp"
#include "jobmill/client.hpp"
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

/// By the library, which puts jobs into messages as it sees fit; so many under way all the time.
void run(Client& client, const NewJob& job, std::uint64_t jobs, std::uint64_t window)
{
    while (jobs > 0 || client.unfinished() > 0) {
        if (jobs > 0 && client.unfinished() < window) {
            REQUIRE(client.submit(job));
            --jobs;
        } else {
            REQUIRE(client.next());
        }
    }
}

/// What `jobs` took, at the least of some times.
template <typename Jobs>
std::uint64_t fewest_allocations(const Allocations& allocations, const Jobs& jobs)
{
    jobs();
    REQUIRE(allocations.count() > 0);
    // Jobs whose worker the machine keeps waiting are taken back, which takes memory; a busy
    // machine does that now and then. Jobs themselves would take it each time.
    std::uint64_t fewest = UINT64_MAX;
    for (int i = 0; i < 5; ++i) {
        const std::uint64_t before = allocations.count();
        jobs();
        fewest = std::min(fewest, allocations.count() - before);
    }
    return fewest;
}

/// Tables and buffers may still grow once.
constexpr std::uint64_t hardly_any = 25;

}  // namespace

TEST_CASE("a job among many takes nothing from the heap" * doctest::skip(sanitized))
{
    const auto place = std::make_shared<Place>();
    const Allocations allocations{*place};
    const Daemon daemon{place, {.config = pool_config(2), .prefix = allocations.prefix()}};
    BinaryClient client = daemon.binary();
    for (const std::uint64_t window : {1U, 100U}) {
        CAPTURE(window);
        CHECK(fewest_allocations(allocations, [&] { run(client, 5000 / window, window); }) <
              hardly_any);
    }
}

TEST_CASE("nor does one with a label, a payload and a result, by the library" *
          doctest::skip(sanitized))
{
    const auto place = std::make_shared<Place>();
    const Allocations allocations{*place};
    const Daemon daemon{place, {.config = pool_config(2), .prefix = allocations.prefix()}};
    auto client = Client::connect(daemon.socket());
    REQUIRE(client);
    const std::string payload(100, 'p');
    for (const std::string_view label : {"", "a label of some size"}) {
        const NewJob job{.handler = "echo", .payload = bytes_of(payload), .label = label};
        for (const std::uint64_t window : {1U, 10U, 1000U}) {
            CAPTURE(label);
            CAPTURE(window);
            CHECK(fewest_allocations(allocations, [&] { run(*client, job, 5000, window); }) <
                  hardly_any);
        }
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
