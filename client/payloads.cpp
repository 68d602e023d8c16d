// SPDX-License-Identifier: MIT
// What goes out: the payloads of jobs, and those that are put for many jobs.
#include "client/conversation.hpp"
#include "client/judgement.hpp"

namespace jobmill {

template <typename Message>
void Conversation::encode_with(Message& message, ByteView payload,
                               const std::shared_ptr<BlobMemory>& owner)
{
    message.size = payload.size();
    message.more = payload.size() > welcome_.max_inline;
    if (message.more) {
        uploads_.push_back(
            Upload{.tag = message.tag, .rest = payload, .size = payload.size(), .owner = owner});
        upload_bytes_ += payload.size();
    } else {
        message.payload = payload;
    }
    encode(message, out_);
}

template <typename Message>
void Conversation::encode_with(Message& message, const LentBlob& payload)
{
    if (payload.bytes().size() <= welcome_.max_inline || !payload.memory_->descriptor) {
        encode_with(message, ByteView{payload.bytes()}, payload.memory_);
        return;
    }
    message.size = payload.bytes().size();
    message.has_blob = true;
    attachments_.push_back({.offset = out_begin_ + out_.size(), .memory = payload.memory_});
    encode(message, out_);
}

template void Conversation::encode_with(Submit& message, ByteView payload,
                                        const std::shared_ptr<BlobMemory>& owner);
template void Conversation::encode_with(Submit& message, const LentBlob& payload);

Result<LentBlob> Conversation::lend(std::size_t size)
{
    JOBMILL_TRY(check_size_of(size));
    return pool_.lend(size);
}

Tag Conversation::new_put()
{
    const Tag tag = new_request(MessageType::put);
    puts_.emplace(number(tag), PutStage::sent);
    return tag;
}

/// As the daemon counts what is on its way: up to its last piece, alone if it is above the window.
bool Conversation::may_upload(std::uint64_t size) const noexcept
{
    return uploads_.empty() || (uploads_.size() < credit_jobs_ && upload_bytes_ < credit_bytes_ &&
                                size <= credit_bytes_ - upload_bytes_);
}

/// One that goes in pieces takes no credit, yet the daemon refuses what comes beyond it.
void Conversation::begin_puts()
{
    while (!waiting_puts_.empty() && may_upload(waiting_puts_.front().rest.size())) {
        const Upload next = std::move(waiting_puts_.front());
        waiting_puts_.pop_front();
        Put put{.tag = next.tag};
        encode_with(put, next.rest, next.owner);
    }
}

Tag Conversation::put_bytes(ByteView payload, const std::shared_ptr<BlobMemory>& owner)
{
    Put put{.tag = new_put()};
    if (payload.size() > welcome_.max_inline) {
        waiting_puts_.push_back(
            Upload{.tag = put.tag, .rest = payload, .size = payload.size(), .owner = owner});
        begin_puts();
    } else {
        encode_with(put, payload);
    }
    return put.tag;
}

Result<Tag> Conversation::put(ByteView payload)
{
    JOBMILL_TRY(check_size_of(payload.size()));
    if (payload.size() > welcome_.max_inline) {
        JOBMILL_TRY_ASSIGN(auto copied, pool_.copy(payload));
        if (copied) {
            return put(std::move(*copied));
        }
    }
    return put_bytes(payload);
}

Result<Tag> Conversation::put(LentBlob payload)
{
    if (payload.memory_ == nullptr) {
        return fail(Errc::invalid, "nothing was lent to be put");
    }
    JOBMILL_TRY(check_size_of(payload.bytes().size()));
    if (!payload.memory_->descriptor) {
        return put_bytes(payload.bytes(), payload.memory_);
    }
    Put put{.tag = new_put()};
    encode_with(put, payload);
    BlobPool::give_away(*payload.memory_);
    return put.tag;
}

Result<void> Conversation::drop(Tag blob)
{
    const auto found = puts_.find(number(blob));
    if (found == puts_.end() || found->second == PutStage::dropped) {
        return fail(Errc::not_found, "nothing is put under tag " + std::to_string(number(blob)));
    }
    if (found->second == PutStage::sent) {
        // The daemon does not know it before it is whole.
        found->second = PutStage::dropped;
        return {};
    }
    puts_.erase(found);
    encode(Drop{blob}, out_);
    return {};
}

Result<void> Conversation::on(const Stored& message)
{
    JOBMILL_TRY(answer(message.tag, MessageType::put, event::Stored{message.tag}));
    pool_.trim();
    PutStage& stage = puts_.at(number(message.tag));
    const bool dropped = std::exchange(stage, PutStage::stored) == PutStage::dropped;
    return dropped ? drop(message.tag) : Result<void>{};
}

Result<void> Conversation::check_not_dropped(Tag blob) const
{
    const auto found = puts_.find(number(blob));
    return found == puts_.end() || found->second != PutStage::dropped
               ? Result<void>{}
               : fail(Errc::not_found,
                      "what was put under tag " + std::to_string(number(blob)) + " is dropped");
}

}  // namespace jobmill
