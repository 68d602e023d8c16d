// SPDX-License-Identifier: MIT
// What a workload is done by: jobmill, a floor, or a peer whose client is written in C or C++.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/bench/workloads/tasks.hpp"

namespace jobmill::bench {

/// What this service cannot do, and why: the line says so, and it is no failure.
struct Unsupported : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Service {
public:
    using Make = std::function<Task(std::size_t)>;
    using Take = std::function<void(std::string_view)>;

    Service() = default;
    virtual ~Service() = default;
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    [[nodiscard]] virtual std::string_view name() const = 0;
    /// Returns when a client is connected to so many workers that are ready, or nearly so.
    virtual void start(int workers) = 0;
    /// One job, and its result, which lives until the next call.
    virtual std::string_view call(const Task& task) = 0;
    /// So many jobs, at most `window` of them unfinished; results are taken as they come.
    virtual void stream(std::size_t jobs, std::size_t window, const Make& make,
                        const Take& take) = 0;
    /// So many jobs that look at the same bytes; their sums are taken as they come.
    virtual void stream_same(std::string_view bytes, std::size_t jobs, std::size_t window,
                             const Take& take)
    {
        stream(
            jobs, window,
            [bytes](std::size_t) { return Task{.kind = Task::Kind::peek, .bytes = bytes}; }, take);
    }
    /// So many clients, each with a window of no-ops, so many jobs all together.
    virtual void stream_from(std::size_t /*clients*/, std::size_t /*jobs*/, std::size_t /*window*/)
    {
        throw Unsupported{"one client in this program"};
    }
    /// The process of a worker.
    [[nodiscard]] virtual pid_t worker() const
    {
        throw Unsupported{"its workers are not killed in this program"};
    }
    /// The process that has the queue.
    [[nodiscard]] virtual pid_t broker() const = 0;
};

/// Each program links one.
[[nodiscard]] std::unique_ptr<Service> make_service();

}  // namespace jobmill::bench
