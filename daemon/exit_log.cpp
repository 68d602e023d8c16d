// SPDX-License-Identifier: MIT
#include "daemon/exit_log.hpp"

#include "common/signal_name.hpp"
#include "daemon/log.hpp"

namespace jobmill::daemon {

std::string death_of(const WorkerProcess& process)
{
    std::string cause = process.fault().empty() ? process.exit().text() : "it " + process.fault();
    if (process.ran_out_of_memory()) {
        cause += ", out of memory";
    }
    return cause;
}

void log_exit(std::string_view pool, const WorkerProcess& process)
{
    const ProcessExit& exit = process.exit();
    const auto job = process.claimed_job();
    const bool crashed = !process.asked_to_leave();
    const log::Level level = crashed ? log::Level::warning
                             : job   ? log::Level::info
                                     : log::Level::debug;
    if (!log::enabled(level)) {
        return;
    }
    const std::string cause = death_of(process);
    const std::string signal = exit.by_signal ? signal_name(exit.status) : "";
    const log::Fields fields{
        {"pool", pool},
        {"worker", number(process.id().slot)},
        {"generation", process.id().generation},
        {"pid", process.pid()},
        {"job", job ? std::optional{number(*job)} : std::nullopt},
        {"cause", cause},
        {"signal", signal},
        {"exit_code", exit.by_signal ? std::nullopt : std::optional{exit.status}},
        {"cpu_ms", exit.cpu_ns() / 1'000'000},
        {"peak_kib", exit.usage.ru_maxrss},
        // What a job wrote is its client's alone; without a job nobody else would hear of it.
        {"stderr", job ? std::string_view{} : process.stderr_tail()}};
    log::write(level, crashed ? log::EventName{"worker crashed"} : log::EventName{"worker left"},
               fields, crashed || job ? log::Rate::limited : log::Rate::unlimited);
}

}  // namespace jobmill::daemon
