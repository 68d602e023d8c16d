// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>

#include "common/messages.hpp"
#include "daemon/core/dispatcher.hpp"
#include "daemon/job_desk.hpp"
#include "daemon/processes.hpp"

namespace jobmill::daemon {

/// What workers say of their jobs becomes deliveries of the desk and events of the core. A worker
/// that speaks of a job which it does not hold, or sends more at once than it may, has to go.
class WorkerReports {
public:
    struct Outside {
        const core::Dispatcher& core;
        JobDesk& desk;
        Processes& processes;
        std::function<void(const core::Event&)> post;
    };

    explicit WorkerReports(Outside outside) : outside_(std::move(outside)) {}

    void take(WorkerId worker, WorkerReport& report, UniqueFd blob, bool more);

private:
    void misbehaved(WorkerId worker, const std::string& fault);
    void take_outcome(WorkerId worker, JobId job, JobOutcome& outcome, UniqueFd blob, bool more);

    Outside outside_;
};

}  // namespace jobmill::daemon
