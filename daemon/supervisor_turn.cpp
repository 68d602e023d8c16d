// SPDX-License-Identifier: MIT
// What is done once a turn of the loop: what the turn has gathered goes out, and the timers are set
// that somebody needs from now on.
#include <sched.h>

#include "common/exit_code.hpp"
#include "daemon/log.hpp"
#include "daemon/supervisor.hpp"

namespace jobmill::daemon {
namespace {

/// Progress is sampled so often while somebody wants it.
constexpr std::chrono::milliseconds progress_period{100};

}  // namespace

void Supervisor::on_turn()
{
    desk_.end_submits();
    const core::TimePoint now = loop::EventLoop::now();
    Spin::Turn done = turn();
    if (word_collection_.is_due(done, now)) {
        processes_.ask_for_words();
    }
    if (processes_.collect_words()) {
        done = turn();
    }
    if (done.events > 0 || done.sent) {
        heap_trim_.worked();
    }
    const bool spins = spin_.goes_on(done, now, reloader_.config().spin);
    handled_ = ended_ = 0;
    desk_.mass_cancels().go_on();
    sessions_.bury();
    flush_list_.flush();
    sessions_.bury();
    desk_.end_submits();  // of what sessions had to wait with until now
    processes_.end_turn();
    turn_hook_->stay_awake(!flush_list_.empty() || !desk_.mass_cancels().empty() || spins);
    if (held_accepts_.empty()) {
        accepted_timer_->stop();
    } else if (!accepted_timer_->active()) {
        accepted_timer_->start_once(HeldAccepts::patience);
    }
    if (desk_.has_to_look() != progress_timer_->active()) {
        if (progress_timer_->active()) {
            progress_timer_->stop();
        } else {
            progress_timer_->start_repeating(progress_period);
        }
    }
    if (const auto expiry = desk_.unread().next_expiry(); expiry && !expiry_timer_->active()) {
        expiry_timer_->start_once(*expiry - loop::EventLoop::now());
    }
    watch_idleness();
    if (core_stopped_) {
        leave_when_quiet();
    }
    good_for_ = 0;  // from here on it may sleep
}

Spin::Turn Supervisor::turn()
{
    Spin::Turn turn{.events = handled_,
                    .ended = ended_,
                    .sent = !flush_list_.empty(),
                    .busy_workers = core_.busy_workers(),
                    .cores = cores_};
    if (turn.core_to_spare()) {
        const WorkerProcess* const worker = processes_.worker(last_offered_);
        turn.worker_beside = worker != nullptr && worker->was_on(::sched_getcpu());
    }
    return turn;
}

bool Supervisor::idle() const
{
    return serving_ && !closing_ && sessions_.empty() && desk_.unfinished() == 0 &&
           (stranded_ || desk_.unread().empty());
}

void Supervisor::watch_idleness()
{
    const auto timeout =
        stranded_ ? std::optional{std::chrono::milliseconds{0}} : reloader_.config().idle_timeout;
    if (!timeout || !idle()) {
        idle_timer_->stop();
    } else if (!idle_timer_->active()) {
        idle_timer_->start_once(sessions_.idle_time(*timeout));
    }
}

void Supervisor::leave_if_idle()
{
    sessions_.accept_waiting();
    if (!idle()) {
        return;
    }
    if (stranded_) {
        exit_code_ = exit_code::jobmill_failed;
    } else {
        log::info("idle for long enough", {}, log::always);
    }
    request_stop();
}

void Supervisor::leave_when_quiet()
{
    if (sessions_.empty() && processes_.templates_gone() && processes_.sweep_last()) {
        leave_timer_->stop();
        log::info("stopped", {}, log::always);
        loop_.stop();
    }
}

/// Whoever removes the socket's file would leave a daemon that nobody can reach.
void Supervisor::look_after_socket()
{
    if (closing_ || stranded_ || sessions_.reachable()) {
        return;
    }
    const auto bound = sessions_.bind_again();
    const std::string cause =
        bound ? "its file was removed or replaced; it is bound anew" : bound.error().what;
    if (cause != socket_trouble_) {  // else it was told, and is still to be mended
        log::error("socket lost", {{"socket", socket_path_}, {"cause", cause}}, log::always);
    }
    socket_trouble_ = bound ? "" : cause;
    if (!bound && bound.error().code == Errc::in_use) {
        stranded_ = true;
        log::info("leaving once clients and jobs are done", {{"jobs", desk_.unfinished()}},
                  log::always);
        idle_timer_->stop();  // the next turn starts it with another time
    }
}

}  // namespace jobmill::daemon
