// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/adjustments.hpp"
#include "daemon/administration.hpp"
#include "daemon/config.hpp"
#include "daemon/core/dispatcher.hpp"
#include "daemon/health_watch.hpp"
#include "daemon/heap_trim.hpp"
#include "daemon/held_accepts.hpp"
#include "daemon/job_desk.hpp"
#include "daemon/job_ids.hpp"
#include "daemon/loop/signal_watcher.hpp"
#include "daemon/loop/timer.hpp"
#include "daemon/loop/turn_hook.hpp"
#include "daemon/memory_watch.hpp"
#include "daemon/pool_directory.hpp"
#include "daemon/processes.hpp"
#include "daemon/reloader.hpp"
#include "daemon/rights.hpp"
#include "daemon/service_manager.hpp"
#include "daemon/sessions.hpp"
#include "daemon/spin.hpp"
#include "daemon/word_collection.hpp"
#include "daemon/worker_reports.hpp"

namespace jobmill::daemon {

/// The meeting point: what happens becomes events for the core, and the core's effects become
/// calls of the rooms around it. Decides nothing but the daemon's own start and end.
class Supervisor {
public:
    struct Setup {
        Config config;
        UniqueFd worker_program;
        PythonFiles python;
        Cgroups cgroups;
        SocketPlace place;
        JobIds job_ids;
        ServiceManager service;
        OwnUser user;
        bool system = false;
        /// The configuration as it is in its file now, the command line above it.
        std::function<Result<Reloader::Reading>()> read_again;
        std::string config_file;
    };

    [[nodiscard]] static Result<std::unique_ptr<Supervisor>> create(loop::EventLoop& loop,
                                                                    Setup setup);

    /// Runs until the daemon has stopped; answers its exit code.
    [[nodiscard]] int run();

private:
    /// For sessions to take their last messages and templates to leave.
    static constexpr std::chrono::seconds leave_patience{2};

    Supervisor(loop::EventLoop& loop, Setup setup);
    [[nodiscard]] Result<void> prepare();

    void post(const core::Event& event);
    void post(const core::Event& event, core::TimePoint now);
    void handle(const core::Event& event, core::TimePoint now);
    [[nodiscard]] core::TimePoint now();
    [[nodiscard]] core::TimePoint look();
    void perform(const core::Effect& effect);
    void perform(const core::OfferJob& effect);
    void perform(const core::RevokeClaim& effect);
    void perform(const core::HearOut& effect);
    void perform(const core::JobEnded& effect);
    void perform(const core::JobRetried& effect);
    void perform(const core::JobHandedOver& effect);
    void perform(const core::JobLetBe& effect);
    void perform(const core::BatchHalted& effect);
    void perform(const core::PoolJudged& effect);
    void perform(const core::ArmTimer& effect);
    void perform(const core::PoolGone& effect);
    void perform(const core::Stopped& effect);

    void on_loaded(PoolId pool, const Value& body);
    void on_template_failed(PoolId pool, const std::string& why);
    void on_workers_failed(PoolId pool, const std::string& why);
    void on_workers_back(PoolId pool);
    void on_turn();
    void request_stop();
    void leave_when_quiet();
    void adopt(const Config& config);
    void adopt_adjustable(const Config& config);
    void on_memory(const MemoryWatch::State& state);
    void on_hangup();
    [[nodiscard]] Spin::Turn turn();
    [[nodiscard]] bool idle() const;
    void watch_idleness();
    void leave_if_idle();
    void look_after_socket();
    [[nodiscard]] Value status(const Identity& client, const std::vector<JobId>& wanted);

    loop::EventLoop& loop_;
    bool system_;
    bool in_terminal_ = ::isatty(STDERR_FILENO) == 1;
    OwnUser user_;
    std::uint32_t cores_;
    std::string socket_path_;
    core::TimePoint started_;
    JobIds job_ids_;
    ServiceManager service_;

    FlushList flush_list_;
    HeldAccepts held_accepts_;
    core::Dispatcher core_;
    std::vector<core::Event> events_;  ///< that came while one was handled
    core::Effects effects_;
    core::TimePoint now_;    ///< of the event that is being handled
    unsigned good_for_ = 0;  ///< so many more events, before anything that may take long
    bool draining_events_ = false;

    PoolDirectory pools_;
    JobDesk desk_;
    Processes processes_;
    WorkerReports reports_;
    Adjustments adjustments_;
    Administration administration_;
    Sessions sessions_;
    Reloader reloader_;

    std::unique_ptr<loop::TurnHook> turn_hook_;
    Spin spin_;
    unsigned handled_ = 0;  ///< events, since the last turn ended
    unsigned ended_ = 0;    ///< jobs, since then
    WorkerId last_offered_{};
    WordCollection word_collection_;
    std::unique_ptr<HealthWatch> health_;
    std::unique_ptr<MemoryWatch> memory_;
    HeapTrim heap_trim_;
    std::unique_ptr<loop::Timer> core_timer_;
    std::unique_ptr<loop::Timer> accepted_timer_;
    std::unique_ptr<loop::Timer> progress_timer_;
    std::unique_ptr<loop::Timer> expiry_timer_;
    std::unique_ptr<loop::Timer> probe_timer_;
    std::unique_ptr<loop::Timer> idle_timer_;
    std::unique_ptr<loop::Timer> leave_timer_;
    std::vector<loop::SignalWatcher> signals_;

    std::string socket_trouble_;  ///< that was told
    std::size_t pools_loading_ = 0;
    int exit_code_ = 0;
    bool serving_ = false;
    bool reload_due_ = false;  ///< asked for before that
    bool closing_ = false;
    bool core_stopped_ = false;
    bool stranded_ = false;  ///< nobody will ever connect again
};

}  // namespace jobmill::daemon
