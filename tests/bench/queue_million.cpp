// SPDX-License-Identifier: MIT
// What a queued job costs: a pool whose one worker is busy, and more and more detached jobs with a
// tiny payload behind it. At each power of ten: how much more memory the daemon has for a job than
// at the beginning, what a submit takes there (in bursts, as a busy client sends them), and what a
// cancel takes of a job from anywhere in it. One JSON line a power. Usage: queue_million
// [JOBS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/e2e/binary_client.hpp"
#include "tests/support/daemon_under_test.hpp"

using namespace jobmill;

namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr std::uint64_t burst = 500;
constexpr int cancels = 1000;

/// Resident and not of a file, in bytes.
std::uint64_t memory_of(pid_t pid)
{
    std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("RssAnon:")) {
            return std::stoull(line.substr(8)) * 1024;
        }
    }
    throw std::runtime_error{"no RssAnon"};
}

/// A client that fills the queue, and knows what is in it.
class Filler {
public:
    explicit Filler(const std::string& socket) : client_(socket)
    {
        client_.send(Open{.number = 1, .pool = {}, .handler = "sum"});
        client_.send(Open{.number = 2, .pool = {}, .handler = "sleep"});
        (void)submit(2, "10000s", 1);
        (void)client_.next(MessageType::started, 2000);
        client_.forget_others();
    }

    /// Microseconds a job.
    double fill(std::uint64_t jobs)
    {
        const auto start = Clock::now();
        for (std::uint64_t left = jobs; left > 0;) {
            const std::uint64_t count = std::min(left, burst);
            const JobId first = submit(1, "100", count);
            for (std::uint64_t i = 0; i < count; ++i) {
                queued_.push_back(JobId{number(first) + i});
            }
            left -= count;
        }
        return Microseconds{Clock::now() - start}.count() / static_cast<double>(jobs);
    }

    /// Microseconds a cancel of a job from anywhere, many in one breath.
    double cancel_some()
    {
        std::mt19937_64 random{1};
        const std::size_t count = std::min<std::size_t>(cancels, queued_.size() / 2);
        std::vector<JobId> victims;
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t at = random() % queued_.size();
            victims.push_back(queued_[at]);
            queued_[at] = queued_.back();
            queued_.pop_back();
        }
        Bytes frames;
        for (std::size_t i = 0; i < count; ++i) {
            encode(Cancel{.tag = Tag{10'000 + i}, .what = CancelWhat::job, .job = victims[i]},
                   frames);
        }
        const auto start = Clock::now();
        client_.raw().send_while_reading(frames);
        for (std::size_t i = 0; i < count; ++i) {
            (void)client_.next(MessageType::cancelled, 10'000 + i);
        }
        return Microseconds{Clock::now() - start}.count() / static_cast<double>(count);
    }

    [[nodiscard]] std::size_t queued() const { return queued_.size(); }

private:
    /// The number of the first; returns when all are accepted.
    JobId submit(std::uint32_t handler, std::string_view payload, std::uint64_t count)
    {
        Bytes frames;
        for (std::uint64_t i = 0; i < count; ++i) {
            encode(Submit{.tag = Tag{std::uint64_t{handler} * 1000 + i},
                          .handler_number = handler,
                          .size = payload.size(),
                          .options = {.detached = handler == 1, .want_started = handler != 1},
                          .payload = bytes_of(payload)},
                   frames);
        }
        client_.raw().send(frames);
        JobId first{};
        for (std::uint64_t heard = 0; heard < count;) {
            const auto message = client_.next();
            if (!message || message->type != MessageType::accepted) {
                if (message && message->type == MessageType::error) {
                    throw std::runtime_error{message->as<ErrorMessage>().error.text};
                }
                continue;
            }
            const auto& accepted = message->as<Accepted>();
            first = heard == 0 ? accepted.job : first;
            heard += accepted.count;
        }
        return first;
    }

    tests::BinaryClient client_;
    std::vector<JobId> queued_;
};

void measure(std::uint64_t most)
{
    tests::DaemonUnderTest daemon{std::make_shared<tests::Place>(),
                                  {.config = "max_jobs = 10000000\ndrain_timeout = \"0s\"\n"
                                             "[pool.default]\nworkers = 1\nmodules = "
                                             "[\"" JOBMILL_TEST_MODULES "/testhandlers.so\"]\n"}};
    daemon.await_ready();
    Filler filler{daemon.socket()};
    const std::uint64_t before = memory_of(daemon.pid());
    for (std::uint64_t power = 1000; power <= most; power *= 10) {
        const double submit = filler.fill(power - filler.queued());
        const std::uint64_t memory = memory_of(daemon.pid()) - before;
        const double bytes = static_cast<double>(memory) / static_cast<double>(power);
        const double cancel = filler.cancel_some();
        (void)std::printf(
            "{\"bench\":\"queue_million\",\"case\":\"%llu "
            "queued\",\"bytes\":%.0f,\"submit_us\":%.2f,"
            "\"cancel_us\":%.2f}\n",
            static_cast<unsigned long long>(power), bytes, submit, cancel);
        (void)std::fflush(stdout);
    }
}

}  // namespace

int main(int argc, char** argv)
{
    constexpr std::uint64_t million = 1'000'000;
    try {
        measure(argc > 1 ? std::stoull(argv[1]) : million);
    } catch (const std::exception& error) {
        (void)std::fprintf(stderr, "queue_million: %s\n", error.what());
        return 1;
    }
    return 0;
}
