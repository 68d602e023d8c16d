// SPDX-License-Identifier: MIT
// How it goes out: the frames that were gathered, between them the pieces of large payloads, and
// the descriptors that go with frames.
#include <algorithm>

#include "client/conversation.hpp"

namespace jobmill {
namespace {

/// Pieces are added while less than this waits to be sent.
constexpr std::size_t outgoing_low = std::size_t{256} * 1024;

}  // namespace

void Conversation::add_upload_pieces()
{
    begin_puts();
    while (!uploads_.empty() && out_.size() - out_sent_ < outgoing_low) {
        Upload upload = std::move(uploads_.front());
        uploads_.pop_front();
        const ByteView piece =
            upload.rest.first(std::min<std::size_t>(upload.rest.size(), piece_size_));
        upload.rest = upload.rest.subspan(piece.size());
        encode(Piece{.tag = upload.tag, .more = !upload.rest.empty(), .payload = piece}, out_);
        if (!upload.rest.empty()) {
            uploads_.push_back(std::move(upload));
        } else {
            upload_bytes_ -= upload.size;
            begin_puts();
        }
    }
}

/// The daemon swallows the pieces of a refused payload up to the last one: end them early.
void Conversation::stop_upload(Tag tag)
{
    const auto is_that = [&](const Upload& upload) { return upload.tag == tag; };
    std::erase_if(waiting_puts_, is_that);
    const auto found = std::find_if(uploads_.begin(), uploads_.end(), is_that);
    if (found != uploads_.end()) {
        upload_bytes_ -= found->size;
        uploads_.erase(found);
        encode(Piece{.tag = tag, .more = false, .payload = {}}, out_);
    }
}

ByteView Conversation::outgoing()
{
    if (out_sent_ > 0) {
        out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_sent_));
        out_begin_ += out_sent_;
        out_sent_ = 0;
    }
    add_returns();
    add_upload_pieces();
    // A frame's descriptor goes with its first byte, so bytes before it go first.
    for (const Attachment& attachment : attachments_) {
        if (attachment.offset > out_begin_) {
            return ByteView{out_}.first(attachment.offset - out_begin_);
        }
    }
    return out_;
}

std::vector<int> Conversation::outgoing_descriptors() const
{
    const bool now = !attachments_.empty() && attachments_.front().offset == out_begin_ + out_sent_;
    return now ? std::vector<int>{attachments_.front().memory->descriptor.get()}
               : std::vector<int>{};
}

void Conversation::sent(std::size_t size)
{
    if (size > 0 && !attachments_.empty() &&
        attachments_.front().offset == out_begin_ + out_sent_) {
        attachments_.pop_front();
    }
    out_sent_ += size;
}

/// Results that nobody looks at any more. Before jobs, whose results may lie where those did.
void Conversation::add_returns()
{
    if (returns_->empty()) {
        return;
    }
    returns_->take_all([this](JobId job) { encode(Return{.tag = new_tag(), .job = job}, out_); });
    pool_.trim();  // their memory may have been a payload's
}

void Conversation::discard_outgoing()
{
    out_begin_ += out_.size();
    out_.clear();
    out_sent_ = 0;
    attachments_.clear();
    uploads_.clear();
    upload_bytes_ = 0;
    waiting_puts_.clear();
    returns_->take_all([](JobId /*job*/) {});
}

void Conversation::end_output()
{
    output_ended_ = true;
    discard_outgoing();
}

bool Conversation::has_outgoing() const noexcept
{
    return !output_ended_ && (out_sent_ < out_.size() || !uploads_.empty() ||
                              !waiting_puts_.empty() || !returns_->empty());
}

}  // namespace jobmill
