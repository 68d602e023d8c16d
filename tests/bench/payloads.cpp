// SPDX-License-Identifier: MIT
// What large payloads cost. Echo: a payload is written into memory that the client lends, and comes
// back to where it can be read; 1 KiB and 64 KiB go inline. Made: a worker fills a result. Hash:
// what a job costs beside hashing 64 MiB, from the submit on, when its worker has never seen the
// blob, and when it has it mapped. Many: one blob of 64 MiB that 1000 jobs look at, two workers,
// and what daemon and workers have grown by meanwhile. Times in milliseconds, medians with
// quantiles; one JSON line. Usage: payloads [ROUNDS]
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "jobmill/client.hpp"
#include "tests/bench/measuring.hpp"
#include "tests/support/daemon_under_test.hpp"

using namespace jobmill;
using namespace jobmill::bench;

namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20U;
constexpr std::size_t large = 64 * mebibyte;

/// A daemon with the test handlers.
class Mill {
public:
    explicit Mill(unsigned workers)
        : daemon_(std::make_shared<tests::Place>(),
                  {.config = "[pool.default]\nworkers = " + std::to_string(workers) +
                             "\nmodules = [\"" JOBMILL_TEST_MODULES "/testhandlers.so\"]\n"})
    {
        daemon_.await_ready();
    }
    ~Mill() { (void)daemon_.stop(); }

    [[nodiscard]] Client connect(std::size_t kept = 4 * large) const
    {
        return checked(
            Client::connect(daemon_.socket(), {.result_blobs = true, .kept_blobs = kept}));
    }
    /// KiB of anonymous memory of the daemon, its templates and its workers.
    [[nodiscard]] long anonymous() const
    {
        long sum = anonymous_of(daemon_.pid());
        for (const pid_t child : tests::children_of(daemon_.pid())) {
            sum += anonymous_of(child);
        }
        return sum;
    }

private:
    static long anonymous_of(pid_t pid)
    {
        std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
        for (std::string line; std::getline(status, line);) {
            if (line.rfind("RssAnon:", 0) == 0) {
                return std::stol(line.substr(std::strlen("RssAnon:")));
            }
        }
        return 0;
    }

    tests::DaemonUnderTest daemon_;
};

event::JobResult answer(Client& client, const Result<Tag>& tag)
{
    auto result = std::get<event::JobResult>(checked(client.answer(checked(Result<Tag>{tag}))));
    if (result.state != JobState::succeeded) {
        give_up("a job has " + std::string{name_of(result.state)} + ": " + result.cause->text);
    }
    return result;
}

LentBlob filled(Client& client, const Bytes& from)
{
    LentBlob lent = checked(client.lend(from.size()));
    std::memcpy(lent.bytes().data(), from.data(), from.size());
    return lent;
}

/// `copied`: also out of the blob, into memory of the program's own.
std::string echo(Client& client, std::size_t size, long rounds, bool copied)
{
    const Bytes payload(size, std::byte{'x'});
    Bytes own(size);
    Times times;
    for (long i = -2; i < rounds; ++i) {
        const auto start = Clock::now();
        const event::JobResult result =
            size <= client.welcome().max_inline
                ? answer(client, client.submit({.handler = "echo", .payload = payload}))
                : answer(client, client.submit({.handler = "echo"}, filled(client, payload)));
        const ByteView bytes = result.blob ? result.blob.bytes() : ByteView{result.payload};
        if (copied) {
            std::memcpy(own.data(), bytes.data(), bytes.size());
        }
        if (bytes.size() != size || bytes.back() != payload.back()) {
            give_up("an echo is not what was sent");
        }
        if (i >= 0) {
            times.add(milliseconds_since(start));
        }
    }
    return times.json();
}

std::string made(Client& client, std::size_t size, long rounds)
{
    const std::string digits = std::to_string(size);
    Times times;
    for (long i = -2; i < rounds; ++i) {
        const auto start = Clock::now();
        const event::JobResult result =
            answer(client, client.submit({.handler = "big", .payload = bytes_of(digits)}));
        if (result.size != size) {
            give_up("a result is not as large as it was to be");
        }
        if (i >= 0) {
            times.add(milliseconds_since(start));
        }
    }
    return times.json();
}

/// Beside the hash, which takes as long as the fastest run of it.
struct Hash {
    double fresh = 0;
    double mapped = 0;
    double hash = 0;
};

Hash hash(const Mill& mill, long rounds)
{
    const Bytes payload(large, std::byte{'x'});
    Client client = mill.connect(0);
    Times fresh;
    Times mapped;
    Times runs;
    for (long i = 0; i < rounds; ++i) {
        LentBlob lent = filled(client, payload);
        const auto start = Clock::now();
        (void)answer(client, client.submit({.handler = "sha256"}, std::move(lent)));
        fresh.add(milliseconds_since(start));
    }
    const Tag blob = checked(client.put(filled(client, payload)));
    (void)checked(client.answer(blob));
    for (long i = -1; i < rounds; ++i) {
        const auto start = Clock::now();
        const auto result = answer(client, client.submit({.handler = "sha256", .blob = blob}));
        if (i >= 0) {
            mapped.add(milliseconds_since(start));
            runs.add(static_cast<double>(result.run_ns) / 1e6);
        }
    }
    const double run = runs.quantile(0.5);
    return {.fresh = fresh.quantile(0.5) - run, .mapped = mapped.quantile(0.5) - run, .hash = run};
}

std::string many()
{
    constexpr int jobs = 1000;
    const Mill mill{2};
    Client client = mill.connect();
    const Bytes payload(large, std::byte{'x'});
    const Tag blob = checked(client.put(filled(client, payload)));
    (void)checked(client.answer(blob));
    const long before = mill.anonymous();
    const auto start = Clock::now();
    for (int i = 0; i < jobs; ++i) {
        (void)checked(client.submit({.handler = "peek", .blob = blob}));
    }
    for (int left = jobs; left > 0;) {
        const auto event = checked(client.next());
        left -= event && std::holds_alternative<event::JobResult>(*event) ? 1 : 0;
    }
    const double all = milliseconds_since(start);
    return R"({"jobs":1000,"ms":)" + std::to_string(all) + R"(,"grown_kib":)" +
           std::to_string(mill.anonymous() - before) + "}";
}

}  // namespace

int main(int argc, char** argv)
{
    constexpr long usual_rounds = 30;
    try {
        const long rounds = number_given(argc, argv, usual_rounds);
        std::string echoes;
        std::string results;
        Hash hashed;
        {
            const Mill mill{1};
            Client client = mill.connect();
            for (const std::size_t size :
                 {std::size_t{1024}, mebibyte / 16, mebibyte, 64 * mebibyte}) {
                const std::string key = std::to_string(size / 1024);
                const long count = size < mebibyte ? rounds * 20 : rounds;
                echoes += (echoes.empty() ? "\"" : ",\"") + key + R"(KiB":{"echo":)" +
                          echo(client, size, count, false) + R"(,"copied_out":)" +
                          echo(client, size, count, true) + "}";
            }
            results = R"("1024KiB":)" + made(client, mebibyte, rounds) + R"(,"65536KiB":)" +
                      made(client, large, rounds);
            hashed = hash(mill, std::max(3L, rounds / 6));
        }
        (void)std::printf(R"({"bench":"payloads","echo":{%s},"made":{%s},)"
                          R"("hash_64MiB":{"hash":%.2f,"beside_fresh":%.2f,"beside_mapped":%.2f},)"
                          R"("one_blob_for_many":%s})"
                          "\n",
                          echoes.c_str(), results.c_str(), hashed.hash, hashed.fresh, hashed.mapped,
                          many().c_str());
    } catch (const std::exception& error) {
        give_up(error.what());
    }
}
