// SPDX-License-Identifier: MIT
// jobmill under the workloads: a daemon of its own, and the client library in this process. Lines
// for its configuration may be in JOBMILL_BENCH_CONFIG, and for its pool in JOBMILL_BENCH_POOL.
// With JOBMILL_BENCH_TOGETHER, small jobs are submitted together, a hundred at a time.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
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
    /// Gently, so that what it has counted is written where it was built for that.
    ~JobmillService() override
    {
        others_.clear();
        client_.reset();
        if (!daemon_ || !daemon_->running()) {
            return;
        }
        for (const std::string& wrong : daemon_->stop()) {
            std::cerr << wrong << '\n';
        }
    }
    JobmillService() = default;
    JobmillService(const JobmillService&) = delete;
    JobmillService& operator=(const JobmillService&) = delete;

    [[nodiscard]] std::string_view name() const override
    {
        return together_ ? "jobmill, together" : "jobmill";
    }

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
        submit_and_take(
            jobs, window,
            [&](std::size_t first, std::size_t end) { submit_some(*client_, first, end, make); },
            take_result);
    }

    /// They are put once, and referred to by each job.
    void stream_same(std::string_view bytes, std::size_t jobs, std::size_t window,
                     const Take& take_result) override
    {
        LentBlob lent = checked(client_->lend(bytes.size()));
        std::memcpy(lent.bytes().data(), bytes.data(), bytes.size());
        const Tag blob = checked(client_->put(std::move(lent)));
        (void)checked(client_->answer(blob));
        submit_and_take(
            jobs, window,
            [&](std::size_t first, std::size_t end) {
                for (; first < end; ++first) {
                    (void)checked(client_->submit({.handler = "peek", .blob = blob}));
                }
            },
            take_result);
        check(client_->drop(blob));
    }

    void stream_from(std::size_t clients, std::size_t jobs, std::size_t window) override
    {
        while (others_.size() < clients) {
            others_.push_back({checked(Client::connect(daemon_->socket()))});
        }
        const std::size_t each = std::max(jobs / clients, window);
        for (Other& other : others_) {
            other.submitted = other.done = 0;
            submit_to(other, window);
        }
        for (bool any = true; any;) {
            any = false;
            for (Other& other : others_) {
                if (other.done < each) {
                    other.done += take(other.client, [](Bytes&&) {});
                    submit_to(other, std::min(each, other.done + window));
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
    };

    /// So many are sent while the next ones are submitted.
    static constexpr std::size_t at_a_time = 100;

    void submit_some(Client& client, std::size_t first, std::size_t end, const Make& make)
    {
        texts_.clear();
        for (std::size_t i = first; i < end; ++i) {
            const Task task = make(i);
            if (!together_ || (task.kind != Task::Kind::noop && task.kind != Task::Kind::spin)) {
                submit(client, task);
                continue;
            }
            std::string& text = texts_.emplace_back();
            if (task.kind == Task::Kind::spin) {
                spell(task, text);
            }
        }
        if (!texts_.empty()) {
            std::vector<ByteView> payloads;
            for (const std::string& text : texts_) {
                payloads.push_back(bytes_of(text));
            }
            const std::string_view handler = texts_.front().empty() ? "noop" : "task";
            (void)checked(client.submit_many(payloads, {.handler = handler}));
        }
    }

    /// `submit_next` submits jobs from one number to before another.
    template <typename SubmitNext>
    void submit_and_take(std::size_t jobs, std::size_t window, const SubmitNext& submit_next,
                         const Take& take_result)
    {
        const auto take_payload = [&](Bytes&& payload) { take_result(text_of(payload)); };
        std::size_t submitted = 0;
        for (std::size_t done = 0; done < jobs;) {
            for (const std::size_t end = std::min(jobs, done + window); submitted < end;) {
                const std::size_t next = std::min(end, submitted + at_a_time);
                submit_next(submitted, next);
                submitted = next;
                if (submitted < end) {
                    check(client_->on_ready());
                    done += take_ready(*client_, client_->poll_event(), take_payload);
                }
            }
            if (done < jobs) {
                done += take(*client_, take_payload);
            }
        }
    }

    /// And has them sent at once: the others are waited for before this one is.
    void submit_to(Other& other, std::size_t count)
    {
        submit_some(other.client, other.submitted, count, [](std::size_t) { return Task{}; });
        other.submitted = std::max(other.submitted, count);
        check(other.client.flush());
    }

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
                (void)checked(client.submit({.handler = "echo", .payload = bytes_of(task.bytes)}));
                break;
            case Task::Kind::peek:
                (void)checked(client.submit({.handler = "peek", .payload = bytes_of(task.bytes)}));
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
        return take_ready(client, checked(client.next()), take_payload);
    }

    template <typename TakePayload>
    static std::size_t take_ready(Client& client, std::optional<ClientEvent> event,
                                  const TakePayload& take_payload)
    {
        std::size_t results = 0;
        for (; event; event = client.poll_event()) {
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

    bool together_ =
        std::getenv("JOBMILL_BENCH_TOGETHER") != nullptr;  // NOLINT(concurrency-mt-unsafe)
    // Outlived by nothing that uses it.
    std::optional<tests::DaemonUnderTest> daemon_;
    std::optional<Client> client_;
    std::vector<Other> others_;
    std::vector<std::string> texts_;  ///< of jobs that are submitted together
    Bytes result_;
};

}  // namespace

std::unique_ptr<Service> make_service()
{
    return std::make_unique<JobmillService>();
}

}  // namespace jobmill::bench
