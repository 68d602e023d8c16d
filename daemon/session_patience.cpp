// SPDX-License-Identifier: MIT
#include "daemon/session_patience.hpp"

#include <algorithm>

namespace jobmill::daemon {

SessionPatience::SessionPatience(const Settings& settings, Channel& channel,
                                 std::function<void(Lost)> on_lost)
    : settings_(settings),
      channel_(channel),
      on_lost_(std::move(on_lost)),
      begun_(loop::EventLoop::now())
{
}

Result<std::unique_ptr<SessionPatience>> SessionPatience::create(loop::EventLoop& loop,
                                                                 const Settings& settings,
                                                                 Channel& channel,
                                                                 std::function<void(Lost)> on_lost)
{
    std::unique_ptr<SessionPatience> patience{
        new SessionPatience{settings, channel, std::move(on_lost)}};
    JOBMILL_TRY_ASSIGN(auto input,
                       loop::Timer::create(loop, [raw = patience.get()] { raw->on_time(); }));
    JOBMILL_TRY_ASSIGN(
        auto output, loop::Timer::create(loop, [raw = patience.get()] { raw->look_at_output(); }));
    patience->input_timer_ = std::make_unique<loop::Timer>(std::move(input));
    patience->output_timer_ = std::make_unique<loop::Timer>(std::move(output));
    patience->input_timer_->start_once(settings.first_message);
    return patience;
}

void SessionPatience::message_came()
{
    if (awaited_ != Awaited::farewell && awaited_ != Awaited::nothing) {
        awaited_ = Awaited::nothing;
        input_timer_->stop();
    }
}

void SessionPatience::waits_for_more(bool begun)
{
    if (begun && awaited_ == Awaited::first_byte) {
        // Both bounds hold for the first message.
        awaited_ = Awaited::first_message;
        const core::Duration left = begun_ + settings_.first_message - loop::EventLoop::now();
        input_timer_->start_once(
            std::clamp<core::Duration>(left, core::Duration{}, settings_.rest));
    } else if (begun && awaited_ == Awaited::nothing) {
        awaited_ = Awaited::rest;
        input_timer_->start_once(settings_.rest);
    } else if (!begun && awaited_ == Awaited::rest) {
        message_came();
    }
}

void SessionPatience::does_not_listen()
{
    if (awaited_ == Awaited::rest) {
        message_came();
    }
}

void SessionPatience::is_full()
{
    if (!output_timer_->active()) {
        taken_ = channel_.taken();
        in_socket_ = channel_.in_socket();
        output_timer_->start_once(settings_.stall);
    }
}

void SessionPatience::says_last_words()
{
    awaited_ = Awaited::farewell;
    output_timer_->stop();
    input_timer_->start_once(settings_.linger);
}

void SessionPatience::stop()
{
    awaited_ = Awaited::nothing;
    input_timer_->stop();
    output_timer_->stop();
}

/// Whether something has, in the socket, that it does not wait for any longer.
bool SessionPatience::has_come()
{
    const Awaited awaited = awaited_;
    if (awaited == Awaited::farewell) {
        channel_.write_now();
    } else {
        channel_.read_now();
    }
    return awaited_ != awaited || input_timer_->active();
}

void SessionPatience::on_time()
{
    if (has_come()) {
        return;
    }
    switch (awaited_) {
        case Awaited::first_byte:
            return on_lost_(Lost::silent);
        case Awaited::first_message:
        case Awaited::rest:
            return on_lost_(Lost::unfinished);
        case Awaited::farewell:
            return on_lost_(Lost::lingering);
        case Awaited::nothing:
            break;
    }
}

void SessionPatience::look_at_output()
{
    if (channel_.unsent() == 0) {
        return;
    }
    // A socket takes no more before three quarters of what is in it were read.
    if (channel_.taken() == taken_ && channel_.in_socket() >= in_socket_) {
        on_lost_(Lost::stalled);
    } else {
        is_full();
    }
}

}  // namespace jobmill::daemon
