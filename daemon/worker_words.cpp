// SPDX-License-Identifier: MIT
// What a worker says, by its link or from its outbox.
#include <algorithm>
#include <utility>

#include "common/blob.hpp"
#include "common/outbox.hpp"
#include "daemon/worker_process.hpp"

namespace jobmill::daemon {
namespace {

/// Bytes of the whole frames at the front. A frame's descriptors come by the link only: it and all
/// after it do not count.
std::size_t whole_frames(ByteView bytes)
{
    std::size_t whole = 0;
    while (bytes.size() - whole >= FrameHeader::size) {
        const auto header = decode_header(bytes.subspan(whole).first<FrameHeader::size>(),
                                          Link::worker, Direction::to_daemon);
        if (!header || header->descriptors > 0 ||
            bytes.size() - whole - FrameHeader::size < header->length) {
            break;
        }
        whole += FrameHeader::size + header->length;
    }
    return whole;
}

}  // namespace

/// Some of it may have been taken from the outbox before.
void WorkerProcess::on_link_bytes(ByteView bytes)
{
    const std::uint64_t before = channel_->received() - bytes.size();
    const std::uint64_t known = std::min<std::uint64_t>(heard_ - before, bytes.size());
    heard_ += bytes.size() - known;
    on_bytes(bytes.subspan(known));
}

void WorkerProcess::collect()
{
    // What is half here comes by the link, all of it.
    if (channel_ && !paused_ && frames_.partial() == 0) {
        take_from_outbox();
    }
}

void WorkerProcess::take_from_outbox()
{
    // One buffer for all workers: the daemon has one thread, and what is read is taken at once.
    static Bytes rest;
    if (!read_outbox(segment_.layout(), heard_, rest)) {
        return;
    }
    const std::size_t taken = whole_frames(rest);
    heard_ += taken;
    segment_.layout().taken.store(heard_, std::memory_order_relaxed);
    on_bytes(ByteView{rest}.first(taken));
}

/// Once it is dead: what it has finished is committed, and counts from behind the last frame that
/// came whole, whatever was written between into the link, and whether or not that was noticed.
void WorkerProcess::take_committed()
{
    Bytes rest;
    if (refused_ || !read_outbox(segment_.layout(), whole_, rest)) {
        return;
    }
    FrameSplitter frames{Link::worker, Direction::to_daemon};
    frames.feed(rest);
    for (auto next = frames.next(); next && *next && !refused_; next = frames.next()) {
        if (!report(**next, false)) {
            return;
        }
    }
}

void WorkerProcess::on_bytes(ByteView bytes)
{
    if (!fault_.empty() || garbled_ || refused_) {
        return;  // nothing that follows nonsense can be understood
    }
    frames_.feed(bytes);
    while (report_next()) {
    }
    if (std::exchange(more_promised_, false)) {
        callbacks_.on_heard(id_);
    }
}

/// False when there is no whole frame, or none that can be understood.
bool WorkerProcess::report_next()
{
    const auto next = frames_.next();
    if (!next) {
        garbled_ = true;
        misbehave("wrote nonsense: " + next.error().what);
        return false;
    }
    if (!*next) {
        return false;
    }
    const std::size_t size = FrameHeader::size + (*next)->header.length;
    if (const auto reported = report(**next, frames_.partial() > 0); !reported) {
        refused_ = true;
        misbehave("wrote nonsense: " + reported.error().what);
        return false;
    }
    whole_ += size;
    return fault_.empty();
}

Result<void> WorkerProcess::report(const Frame& frame, bool more)
{
    auto& received = channel_->received_fds();
    UniqueFd blob;
    if (frame.header.descriptors > 0) {
        if (received.size() < frame.header.descriptors) {
            // After a death the outbox may hold a frame whose descriptor was never sent.
            return fail(Errc::invalid, "a frame without its descriptor");
        }
        blob = std::move(received.front());
        received.erase(received.begin(), received.begin() + frame.header.descriptors);
    }
    JOBMILL_TRY_ASSIGN(WorkerReport && message, decode_worker_report(frame));
    const auto judge_blob = [&](const auto& part) -> Result<void> {
        if constexpr (requires { part.has_blob; }) {
            if (part.has_blob) {
                return check_blob(blob.get(), part.size);
            }
        }
        return {};
    };
    JOBMILL_TRY(std::visit(judge_blob, message));
    if (auto* outcome = std::get_if<JobOutcome>(&message)) {
        take_outcome(*outcome);
        more_promised_ = more;
    }
    callbacks_.on_report(id_, message, std::move(blob), more);
    return {};
}

void WorkerProcess::take_outcome(JobOutcome& outcome)
{
    offers_.remove(outcome.sequence);
    if (group_ && !outcome.succeeded) {
        // What it has started may have been killed, and it lives.
        const std::uint64_t kills = group_->oom_kills();
        if (kills > oom_kills_) {
            outcome.cause.edit().out_of_memory = true;
        }
        oom_kills_ = kills;
    }
    if (!outcome.succeeded) {
        // Now: its next job may be offered before this one's end is told.
        read_stderr();
        add_traces(outcome.cause.edit(), outcome.sequence);
    }
}

}  // namespace jobmill::daemon
