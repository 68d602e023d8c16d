// SPDX-License-Identifier: MIT
// Small jobs that follow one another and differ in their payloads alone go out in one message.
#include <algorithm>

#include "client/conversation.hpp"

namespace jobmill {
namespace {

/// More would save little, and the daemon takes a message as a whole.
constexpr std::uint32_t most_together = 64;
/// Beside a larger payload a message of its own costs nothing.
constexpr std::size_t small_payload = 1024;

}  // namespace

bool Conversation::is_plain(const NewJob& job, std::optional<std::uint64_t> parent) const
{
    static const JobOptions none;
    return !parent && !job.blob && job.inputs.empty() && job.args.empty() && job.label.empty() &&
           !job.detached && !job.started && !job.retrying && !job.progress &&
           job.payload.size() <= std::min<std::size_t>(small_payload, welcome_.max_inline) &&
           job.options == none;
}

Tag Conversation::submit_plain(const NewJob& job)
{
    const std::uint32_t handler = number_of(job);
    add_returns();
    const Tag tag = new_tag();
    if (!join_last(tag, handler, job.payload)) {
        const std::uint64_t begin = out_begin_ + out_.size();
        Submit submit{.tag = tag,
                      .handler_number = handler,
                      .size = job.payload.size(),
                      .options = {},
                      .payload = job.payload};
        if (handler == 0) {
            submit.options.pool = job.pool;
            submit.options.handler = job.handler;
        }
        encode(submit, out_);
        joint_ = {.begin = begin,
                  .end = out_begin_ + out_.size(),
                  .handler = handler,
                  .count = 1,
                  .last = tag,
                  .payload_size = job.payload.size()};
    }
    remember(tag, job, job.payload.size()).handler = handler;
    return tag;
}

/// Each is judged as if it had come alone, so that nobody sees a difference.
bool Conversation::join_last(Tag tag, std::uint32_t handler, ByteView payload)
{
    const bool is_last = joint_.end == out_begin_ + out_.size() &&
                         joint_.begin >= out_begin_ + out_sent_ &&
                         number(tag) == number(joint_.last) + 1;
    if (!is_last || handler == 0 || handler != joint_.handler || joint_.count == most_together) {
        return false;
    }
    const std::size_t begin = joint_.begin - out_begin_;
    if (joint_.count == 1) {
        const Bytes first{out_.end() - static_cast<std::ptrdiff_t>(joint_.payload_size),
                          out_.end()};
        out_.resize(begin);
        encode(SubmitMany{.first = joint_.last,
                          .handler_number = handler,
                          .each = true,
                          .options = {},
                          .payloads = {first, payload},
                          .ids = {}},
               out_);
    } else {
        add_to_submit_many(begin, payload, out_);
    }
    joint_.end = out_begin_ + out_.size();
    joint_.last = tag;
    ++joint_.count;
    return true;
}

}  // namespace jobmill
