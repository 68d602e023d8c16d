// SPDX-License-Identifier: MIT
#include "daemon/session_output.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/blob.hpp"
#include "common/codec.hpp"
#include "common/json_lines.hpp"
#include "common/limits.hpp"
#include "daemon/descriptor_budget.hpp"
#include "daemon/log.hpp"

namespace jobmill::daemon {
namespace {

/// Pieces are appended while less than this is unsent: enough for a full socket, little enough
/// that a small result behind them is soon out.
constexpr std::size_t piece_window = std::size_t{256} * 1024;

/// Above this in the daemon's own memory a reader is behind, and its jobs wait for it; they do
/// until there is no more than the second.
constexpr std::size_t behind_window = std::size_t{1024} * 1024;
constexpr std::size_t behind_when_read = behind_window / 2;

/// The same with payloads that wait for their turns, beside the large one that all others came
/// after: while that is read, which may take long, small jobs go on. A reader that takes one large
/// result after the other, as fast as it can, always has some before it: it may have as much as it
/// has read so far, within these. One that never reads does not get beyond the first.
constexpr std::uint64_t first_window = std::uint64_t{2} << 20U;
constexpr std::uint64_t widest_window = std::uint64_t{32} << 20U;

/// What comes while the reader is behind, and is larger than this, waits in a blob of its own: up
/// to a window of jobs may end for a client that never reads.
constexpr std::size_t kept_in_memory = std::size_t{4} * 1024;

/// Small results are judged when they are so much together, or flushed.
constexpr std::uint64_t judged_together = std::uint64_t{16} * 1024;

/// A result that comes so soon after its submit is worth waiting for with `accepted`.
constexpr std::uint64_t soon_ns = 1'000'000;

/// Messages of one job that may wait behind a large one before its worker has to wait.
constexpr std::size_t lane_window = 8;

/// Out of the daemon's own memory, if that can be.
void put_aside(Payload& payload)
{
    auto blob = make_blob(payload.size);
    if (blob && DescriptorBudget::of_this_process().allows_blob(blob->get()) &&
        write_blob(blob->get(), 0, payload.bytes.view())) {
        payload.blob = std::move(*blob);
        payload.bytes = {};
    }
}

}  // namespace

SessionOutput::~SessionOutput()
{
    if (held_place_) {
        held_accepts_.remove(*this);
    }
}

bool SessionOutput::is_large(const Payload& payload)
{
    return payload.blob || payload.size > limits::inline_payload;
}

bool SessionOutput::is_large(const Waiting& message)
{
    return !message.lent && is_large(message.payload);
}

void SessionOutput::encode_now(const Reply& reply, std::string_view id)
{
    if (spelling_ == Spelling::binary) {
        std::visit([&](const auto& message) { encode(message, channel_.out()); }, reply);
    } else {
        encode_line(reply, id, channel_.out());
    }
}

void SessionOutput::send(const Reply& reply, std::string_view id)
{
    send_accepted();
    encode_now(reply, id);
}

void SessionOutput::send_about(Tag tag, Reply reply)
{
    send_accepted();
    if (const auto lane = lanes_.find(number(tag)); lane != lanes_.end()) {
        lane->second.push_back(Waiting{.head = std::move(reply), .payload = {}});
    } else {
        encode_now(reply, tags_.text(tag));
    }
}

void SessionOutput::send_progress(const Progress& progress)
{
    if (!lanes_.contains(number(progress.tag))) {
        send_accepted();
        encode_now(progress, tags_.text(progress.tag));
    }
}

void SessionOutput::send_chunk(const Chunk& head, Payload&& payload)
{
    if (goes_at_once(head.tag, payload)) {
        Chunk whole = head;
        send_at_once(whole, payload);
        judge_fullness();
    } else {
        push(head.tag, Waiting{.head = head, .payload = std::move(payload)});
    }
}

void SessionOutput::send_result(JobResult&& head, Payload&& payload)
{
    prompt_ = head.queue_ns + head.run_ns < soon_ns;
    const Tag tag = head.tag;
    if (goes_at_once(tag, payload)) {
        send_at_once(head, payload);
        callbacks_.result_is_out(tag);
        if (channel_.unsent() + withheld_ >= judged_ + judged_together) {
            judge_fullness();
        }
        return;
    }
    UniqueFd lent = takes_blobs_ && payload.blob ? callbacks_.lend(head.job, payload) : UniqueFd{};
    push(tag, Waiting{.head = std::move(head),
                      .payload = std::move(payload),
                      .lent = std::move(lent),
                      .is_result = true});
}

/// It is small, nothing of its job is before it, and it need not be put aside.
bool SessionOutput::goes_at_once(Tag tag, const Payload& payload) const
{
    return !is_large(payload) && !lanes_.contains(number(tag)) &&
           (payload.bytes.size() <= kept_in_memory || !behind());
}

/// Without a message that waits: most results come this way, and none is moved meanwhile.
template <typename Head>
void SessionOutput::send_at_once(Head& head, const Payload& payload)
{
    send_accepted();
    head.size = payload.size;
    head.payload = payload.bytes.view();
    head.more = false;
    if (spelling_ == Spelling::binary) {
        encode(head, channel_.out());
    } else {
        const std::string_view id = tags_.text(head.tag);
        encode_line(Reply{std::move(head)}, id, channel_.out());
    }
}

void SessionOutput::push(Tag tag, Waiting waiting)
{
    send_accepted();
    withheld_ += waiting.payload.size;
    if (behind() && !is_large(waiting) && waiting.payload.bytes.size() > kept_in_memory) {
        put_aside(waiting.payload);
    }
    const auto lane = lanes_.find(number(tag));
    if (lane == lanes_.end() && !is_large(waiting)) {
        (void)step(tag, waiting);
        judge_fullness();
        return;
    }
    if (lanes_.empty()) {
        foremost_ = tag;
        foremost_left_ = waiting.payload.size;
    }
    if (lane == lanes_.end()) {
        turns_.push_back(tag);
    }
    lanes_[number(tag)].push_back(std::move(waiting));
    pump();
}

void SessionOutput::accept(Tag tag, JobId job, bool detached)
{
    const bool follows =
        accepted_ > 0 && number(job) == number(first_job_) + accepted_ &&
        (spelling_ == Spelling::json || number(tag) == number(first_accepted_) + accepted_);
    if (!follows) {
        send_accepted();
        first_accepted_ = tag;
        first_job_ = job;
    }
    ++accepted_;
    accepted_detached_ = accepted_detached_ || detached;
    if (spelling_ == Spelling::json) {
        accepted_ids_.emplace_back(tags_.text(tag));
    }
}

void SessionOutput::send_accepted()
{
    if (accepted_ == 0) {
        return;
    }
    if (spelling_ == Spelling::json) {
        encode_accepted_line(accepted_ids_, first_job_, channel_.out());
        accepted_ids_.clear();
    } else {
        encode(Accepted{first_accepted_, first_job_, accepted_}, channel_.out());
    }
    accepted_ = 0;
    accepted_detached_ = false;
    if (held_place_) {
        held_accepts_.remove(*this);
    }
}

void SessionOutput::send_accepted_soon()
{
    if (!prompt_ || accepted_detached_) {
        send_accepted();
    } else if (accepted_ > 0 && !held_place_) {
        held_accepts_.add(*this);
    }
}

/// Its head, with the payload if that is small or lent.
void SessionOutput::begin(Tag tag, Waiting& message, bool large)
{
    message.begun = true;
    const std::uint64_t size = message.payload.size;
    withheld_ -= large ? 0 : size;
    std::visit(
        [&](auto& head) {
            if constexpr (requires {
                              head.size;
                              head.payload;
                              head.more;
                          }) {
                head.size = size;
                head.payload = large ? ByteView{} : message.payload.bytes.view();
                head.more = large;
            }
            if constexpr (requires { head.has_blob; }) {
                head.has_blob = static_cast<bool>(message.lent);
            }
        },
        message.head);
    const std::size_t start = channel_.out().size();
    encode_now(message.head, tags_.text(tag));
    if (message.lent) {
        std::vector<UniqueFd> fds;
        fds.push_back(std::move(message.lent));
        channel_.attach(start, std::move(fds));
    }
}

/// Sends the message, or its next piece. True when the message is out.
bool SessionOutput::step(Tag tag, Waiting& message)
{
    const auto finish = [&] {
        if (message.is_result) {
            callbacks_.result_is_out(tag);
        }
        return true;
    };
    const std::uint64_t size = message.payload.size;
    if (!message.begun) {
        const bool large = is_large(message) && size > 0;
        begin(tag, message, large);
        return large ? false : finish();
    }
    const auto part = std::min<std::uint64_t>(limits::piece, size - message.offset);
    ByteView view;
    if (message.payload.blob) {
        piece_.resize(part);
        if (const auto read = read_blob(message.payload.blob.get(), message.offset, piece_);
            !read) {
            // The size is sealed, so this is the kernel's failure; the reader sees zeros.
            log::error("payload unreadable", {{"bytes", size}, {"cause", read.error().what}});
            std::fill(piece_.begin(), piece_.end(), std::byte{0});
        }
        view = piece_;
    } else {
        view = message.payload.bytes.view().subspan(message.offset, part);
    }
    message.offset += part;
    withheld_ -= part;
    if (tag == foremost_) {
        foremost_left_ -= std::min(foremost_left_, part);
    }
    const bool more = message.offset < size;
    encode_now(Piece{tag, more, view}, tags_.text(tag));
    return more ? false : finish();
}

void SessionOutput::advance_lane(Tag tag, Lane& lane)
{
    if (!step(tag, lane.front())) {
        return;
    }
    lane.pop_front();
    while (!lane.empty() && !is_large(lane.front())) {
        (void)step(tag, lane.front());
        lane.pop_front();
    }
}

void SessionOutput::pump()
{
    // Where there is little room, pieces are not to take what small results need.
    share_.take(channel_.unsent() + withheld_);
    const std::uint64_t ahead = std::min<std::uint64_t>(piece_window, share_.window() / 4);
    while (!turns_.empty() && channel_.unsent() < ahead) {
        const Tag tag = turns_.front();
        turns_.pop_front();
        const auto lane = lanes_.find(number(tag));
        advance_lane(tag, lane->second);
        if (lane->second.empty()) {
            lanes_.erase(lane);
        } else {
            turns_.push_back(tag);
        }
    }
    judge_fullness();
}

bool SessionOutput::behind() const
{
    return channel_.unsent() > std::min<std::uint64_t>(behind_window, share_.window());
}

std::uint64_t SessionOutput::window() const
{
    return std::min(share_.window(), std::clamp(channel_.taken(), first_window, widest_window));
}

void SessionOutput::judge_fullness()
{
    judged_ = channel_.unsent() + withheld_;
    share_.take(judged_);
    const std::uint64_t others = judged_ - foremost_left_;
    const bool much = full_ ? channel_.unsent() > behind_when_read || others > window() / 2
                            : behind() || others > window();
    const bool full = much || share_.closed();
    if (full != full_) {
        full_ = full;
        callbacks_.is_full(full);
    }
}

bool SessionOutput::congested(Tag tag) const
{
    const auto lane = lanes_.find(number(tag));
    return behind() || (lane != lanes_.end() && (full_ || lane->second.size() > lane_window));
}

}  // namespace jobmill::daemon
