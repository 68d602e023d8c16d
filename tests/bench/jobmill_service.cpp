// SPDX-License-Identifier: MIT
// jobmill under the workloads: a daemon of its own, and the client library in this process. Lines
// for its configuration may be in JOBMILL_BENCH_CONFIG, and for its pool in JOBMILL_BENCH_POOL.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "jobmill/client.hpp"
#include "tests/bench/measuring.hpp"
#include "tests/bench/workloads/service.hpp"
#include "tests/support/daemon_under_test.hpp"

namespace jobmill::bench {
namespace {

std::string lines_of(const char* variable)
{
    const char* text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): one thread
    return text == nullptr ? std::string{} : std::string{text} + "\n";
}

class JobmillService : public Service {
public:
    [[nodiscard]] std::string_view name() const override { return "jobmill"; }

    void start(int workers) override
    {
        // As many jobs as the largest workload has at once, all of one client.
        daemon_.emplace(
            std::make_shared<tests::Place>(),
            tests::DaemonSetup{
                .config = "max_jobs = 10000000\ncredit_jobs = 1000000\n"
                          "credit_bytes = \"1 GiB\"\n" +
                          lines_of("JOBMILL_BENCH_CONFIG") + "[pool.default]\nworkers = " +
                          std::to_string(workers) + "\n" + lines_of("JOBMILL_BENCH_POOL") +
                          "retry_crash = 1\nbackoff = \"1ms\"\nmodules = [\"" JOBMILL_BENCH_MODULE
                          "\"]\n"});
        daemon_->await_ready();
        client_.emplace(checked(Client::connect(daemon_->socket())));
    }

    std::string_view call(const Task& task) override
    {
        submit(*client_, task);
        while (take(*client_, [this](Bytes&& payload) { result_ = std::move(payload); }) == 0) {
        }
        return text_of(result_);
    }

    void stream(std::size_t jobs, std::size_t window, const Make& make,
                const Take& take_result) override
    {
        std::size_t submitted = 0;
        for (std::size_t done = 0; done < jobs;) {
            for (; submitted < std::min(jobs, done + window); ++submitted) {
                submit(*client_, make(submitted));
            }
            done += take(*client_, [&](Bytes&& payload) { take_result(text_of(payload)); });
        }
    }

    void stream_from(std::size_t clients, std::size_t jobs, std::size_t window) override
    {
        while (others_.size() < clients) {
            others_.push_back({checked(Client::connect(daemon_->socket()))});
        }
        const std::size_t each = std::max(jobs / clients, window);
        for (Other& other : others_) {
            other.submitted = other.done = 0;
            other.submit_to(window);
        }
        for (bool any = true; any;) {
            any = false;
            for (Other& other : others_) {
                if (other.done < each) {
                    other.done += take(other.client, [](Bytes&&) {});
                    other.submit_to(std::min(each, other.done + window));
                    any = true;
                }
            }
        }
    }

    [[nodiscard]] pid_t broker() const override { return daemon_->pid(); }

    [[nodiscard]] pid_t worker() const override
    {
        for (const pid_t child : tests::children_of(daemon_->pid())) {
            std::ifstream file{"/proc/" + std::to_string(child) + "/comm"};
            if (std::string name; std::getline(file, name) && name == "jobmill-worker") {
                return child;
            }
        }
        throw std::runtime_error{"no worker"};
    }

private:
    /// One of several clients, with its own share of the jobs.
    struct Other {
        Client client;
        std::size_t submitted = 0;
        std::size_t done = 0;

        /// And has them sent at once: the others are waited for before this one is.
        void submit_to(std::size_t count)
        {
            for (; submitted < count; ++submitted) {
                submit(client, {});
            }
            check(client.flush());
        }
    };

    static void submit(Client& client, const Task& task)
    {
        switch (task.kind) {
            case Task::Kind::noop:
                (void)checked(client.submit({.handler = "noop"}));
                break;
            case Task::Kind::spin: {
                std::string text;
                spell(task, text);
                (void)checked(client.submit({.handler = "task", .payload = bytes_of(text)}));
                break;
            }
            case Task::Kind::echo:
                (void)checked(client.submit({.handler = "echo", .payload = bytes_of(task.echoed)}));
                break;
            case Task::Kind::words:
                (void)checked(client.submit({.handler = "text.wordcount",
                                             .args = {{"path", std::string{text_file()}},
                                                      {"offset", task.first},
                                                      {"length", task.second}}}));
                break;
        }
    }

    /// Waits for an event, and takes what has come with it; answers how many were results.
    template <typename TakePayload>
    static std::size_t take(Client& client, const TakePayload& take_payload)
    {
        std::size_t results = 0;
        for (auto event = checked(client.next()); event; event = client.poll_event()) {
            if (auto* result = std::get_if<event::JobResult>(&*event)) {
                if (result->state != JobState::succeeded) {
                    give_up("a job has " + std::string{name_of(result->state)});
                }
                take_payload(std::move(result->payload));
                ++results;
            } else if (const auto* error = std::get_if<event::JobError>(&*event)) {
                give_up(error->error.text);
            }
        }
        return results;
    }

    // Outlived by nothing that uses it.
    std::optional<tests::DaemonUnderTest> daemon_;
    std::optional<Client> client_;
    std::vector<Other> others_;
    Bytes result_;
};

}  // namespace

std::unique_ptr<Service> make_service()
{
    return std::make_unique<JobmillService>();
}

}  // namespace jobmill::bench
