// SPDX-License-Identifier: MIT
// The interpreter in which a template or worker runs, where it is not jobmill-worker itself: what
// it offers and what it wants to be told. Without one every question has the plain answer.
#pragma once

#include <sys/types.h>

#include <jobmill/runtime.h>

#include "jobmill/result.hpp"
#include "worker/handler_table.hpp"

namespace jobmill {

class Runtime {
public:
    /// None.
    Runtime() = default;
    /// `runtime` has to outlive it. Refuses one of another version.
    [[nodiscard]] static Result<Runtime> of(const jobmill_runtime* runtime);

    [[nodiscard]] bool present() const noexcept { return c_ != nullptr; }
    /// What its handlers are; only of one that is present.
    [[nodiscard]] Loading<const jobmill_module*> load() const;
    /// As fork(2).
    [[nodiscard]] pid_t fork() const;
    void begin_worker() const;
    void idle() const;
    /// Null when SIGTERM is to end the worker.
    [[nodiscard]] void (*interrupt() const noexcept)();

private:
    explicit Runtime(const jobmill_runtime* runtime) : c_(runtime) {}

    const jobmill_runtime* c_ = nullptr;
};

/// What a worker brings along: its handlers, and the runtime in which some of them run.
struct Equipment {
    HandlerTable handlers;
    Runtime runtime;
    std::uint32_t spin_us = 0;  ///< before it sleeps
};

}  // namespace jobmill
