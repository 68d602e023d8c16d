// SPDX-License-Identifier: MIT
#include "daemon/incoming_payloads.hpp"

#include <algorithm>

#include "common/blob.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {

void IncomingPayloads::begin(Tag tag, Submission submission, HandlerNames handler,
                             std::uint64_t received, Admission::Place place)
{
    bytes_ += submission.content.payload_size();
    submits_.emplace(number(tag), Incoming{.submission = std::move(submission),
                                           .handler = std::move(handler),
                                           .received = received,
                                           .refused = false,
                                           .place = std::move(place)});
}

void IncomingPayloads::begin_refused(Tag tag)
{
    submits_.emplace(
        number(tag),
        Incoming{.submission = {}, .handler = {}, .received = 0, .refused = true, .place = {}});
}

void IncomingPayloads::refuse_rest(Incoming& incoming)
{
    bytes_ -= incoming.submission.content.payload_size();
    incoming.submission = Submission{};
    incoming.place = {};
    incoming.refused = true;
}

tl::expected<IncomingPayloads::Added, ErrorReply> IncomingPayloads::add(const Piece& piece)
{
    const auto found = submits_.find(number(piece.tag));
    if (found == submits_.end()) {
        return refuse(error_code::not_found, "no submit with this id waits for pieces", "id");
    }
    Incoming& incoming = found->second;
    if (incoming.refused) {
        if (!piece.more) {
            submits_.erase(found);
        }
        return Added{.whole = {}, .handler = {}, .refused_ended = !piece.more};
    }
    const std::uint64_t size = incoming.submission.content.payload_size();
    const std::uint64_t left = size - incoming.received;
    if (piece.payload.size() > left || (!piece.more && piece.payload.size() != left)) {
        refuse_rest(incoming);
        if (!piece.more) {
            submits_.erase(found);
        }
        return refuse(error_code::bad_value,
                      "the pieces do not add up to the declared " + std::to_string(size) + " bytes",
                      "size", size);
    }
    if (const auto written =
            write_blob(incoming.submission.content.blob().get(), incoming.received, piece.payload);
        !written) {
        refuse_rest(incoming);
        if (!piece.more) {
            submits_.erase(found);
        }
        return refuse_busy(written.error().what, retry_later_ms, "payload");
    }
    incoming.received += piece.payload.size();
    if (piece.more) {
        return Added{};
    }
    bytes_ -= size;
    Added added{.whole = std::move(incoming.submission),
                .handler = std::move(incoming.handler),
                .refused_ended = false};
    submits_.erase(found);
    return added;
}

bool IncomingPayloads::drop(Tag tag)
{
    const auto found = submits_.find(number(tag));
    if (found == submits_.end() || found->second.refused) {
        return false;
    }
    refuse_rest(found->second);
    return true;
}

std::vector<IncomingPayloads::Abandoned> IncomingPayloads::abandon()
{
    std::vector<Abandoned> list;
    for (const auto& [tag, incoming] : submits_) {
        list.push_back({.tag = Tag{tag}, .refused = incoming.refused});
    }
    std::sort(list.begin(), list.end(),
              [](const Abandoned& one, const Abandoned& other) { return one.tag < other.tag; });
    submits_.clear();
    bytes_ = 0;
    return list;
}

}  // namespace jobmill::daemon
