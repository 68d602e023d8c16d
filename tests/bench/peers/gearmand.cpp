// SPDX-License-Identifier: MIT
// gearmand on a port of the loopback, with a client and workers of libgearman. Its client runs
// tasks in waves: a window is one.
#include <chrono>
#include <thread>
#include <vector>

#include <libgearman/gearman.h>

#include "tests/bench/peers/child_processes.hpp"
#include "tests/bench/workloads/service.hpp"

namespace jobmill::bench {
namespace {

constexpr const char* host = "127.0.0.1";
constexpr const char* function_name = "task";

gearman_return_t do_job(gearman_job_st* job, void* /*context*/)
{
    const std::string_view text{static_cast<const char*>(gearman_job_workload(job)),
                                gearman_job_workload_size(job)};
    const std::string_view result = perform(text);
    return gearman_job_send_complete(job, result.data(), result.size());
}

void be_worker(int port)
{
    gearman_worker_st* worker = gearman_worker_create(nullptr);
    gearman_worker_add_server(worker, host, static_cast<in_port_t>(port));
    gearman_worker_define_function(worker, function_name, std::string_view{function_name}.size(),
                                   gearman_function_create(do_job), 0, nullptr);
    while (gearman_success(gearman_worker_work(worker))) {
    }
}

const Service::Take* taker = nullptr;  ///< libgearman's callbacks have no context of a client

gearman_return_t take_result(gearman_task_st* task)
{
    (*taker)({static_cast<const char*>(gearman_task_data(task)), gearman_task_data_size(task)});
    return GEARMAN_SUCCESS;
}

class Gearmand : public Service {
public:
    ~Gearmand() override { gearman_client_free(client_); }

    [[nodiscard]] std::string_view name() const override { return "gearmand"; }

    void start(int workers) override
    {
        const int port = free_port();
        processes_.start_program(
            {"gearmand", "-L", host, "-p", std::to_string(port), "-l", directory_.path() + "/log"});
        client_ = gearman_client_create(nullptr);
        gearman_client_add_server(client_, host, static_cast<in_port_t>(port));
        gearman_client_add_options(client_, GEARMAN_CLIENT_FREE_TASKS);
        gearman_client_set_complete_fn(client_, take_result);
        for (int tries = 0; !gearman_success(gearman_client_echo(client_, "x", 1)); ++tries) {
            if (tries == 1000) {
                throw std::runtime_error{"gearmand does not come up"};
            }
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
        for (int i = 0; i < workers; ++i) {
            processes_.start_function([port] { be_worker(port); });
        }
    }

    std::string_view call(const Task& task) override
    {
        stream(
            1, 1, [&](std::size_t) { return task; },
            [this](std::string_view body) { result_ = body; });
        return result_;
    }

    void stream(std::size_t jobs, std::size_t window, const Make& make, const Take& take) override
    {
        taker = &take;
        std::vector<std::string> texts;
        for (std::size_t submitted = 0; submitted < jobs;) {
            const std::size_t last = std::min(jobs, submitted + window);
            texts.assign(last - submitted, {});
            for (std::string& text : texts) {
                spell(make(submitted++), text);
                gearman_return_t code = GEARMAN_SUCCESS;
                gearman_client_add_task(client_, nullptr, nullptr, function_name, nullptr,
                                        text.data(), text.size(), &code);
                check_code(code);
            }
            check_code(gearman_client_run_tasks(client_));
        }
    }

    [[nodiscard]] pid_t broker() const override { return processes_.first(); }

private:
    void check_code(gearman_return_t code)
    {
        if (!gearman_success(code)) {
            throw std::runtime_error{std::string{"gearmand: "} + gearman_client_error(client_)};
        }
    }

    TemporaryDirectory directory_;
    ChildProcesses processes_;
    gearman_client_st* client_ = nullptr;
    std::string result_;
};

}  // namespace

std::unique_ptr<Service> make_service()
{
    return std::make_unique<Gearmand>();
}

}  // namespace jobmill::bench
