// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "common/codec.hpp"
#include "daemon/channel.hpp"
#include "daemon/child_process.hpp"
#include "daemon/core/event.hpp"
#include "daemon/loop/fd_watcher.hpp"

namespace jobmill::daemon {

/// A pool's template as the daemon sees it. Passive, like WorkerProcess.
class TemplateProcess {
public:
    struct Callbacks {
        std::function<void(const Value& handlers)> on_loaded;
        std::function<void(const std::string& why)> on_refused;
        std::function<void(const Forked&)> on_forked;
        /// It is reaped, and everything that it said was reported.
        std::function<void(const ProcessExit&)> on_gone;
    };

    [[nodiscard]] static Result<std::unique_ptr<TemplateProcess>> start(loop::EventLoop& loop,
                                                                        FlushList& flush_list,
                                                                        const Command& command,
                                                                        Callbacks callbacks);

    /// Asks for a sign of life, unless it loads still, is to leave, or owes one already.
    void probe(core::TimePoint now);
    /// Since the sign of life that it owes was asked for; zero when it owes none.
    [[nodiscard]] core::Duration silent_for(core::TimePoint now) const;
    void fork(WorkerId worker, std::vector<UniqueFd> child_ends);
    /// Closes the link: it leaves when it notices.
    void dismiss();
    void kill();
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

private:
    explicit TemplateProcess(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
    void on_bytes(ByteView bytes);
    void on_report(const TemplateReport& report);
    void on_death();

    Callbacks callbacks_;
    std::unique_ptr<Channel> channel_;
    FrameSplitter frames_{Link::template_, Direction::to_daemon};
    pid_t pid_ = -1;
    UniqueFd pidfd_;
    std::unique_ptr<loop::FdWatcher> pidfd_watcher_;
    bool loaded_ = false;
    bool dismissed_ = false;
    std::optional<core::TimePoint> probed_;  ///< not answered yet
    bool broken_ = false;
};

}  // namespace jobmill::daemon
