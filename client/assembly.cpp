// SPDX-License-Identifier: MIT
// Payloads that come in: whole, or in pieces that are put together or passed on.
#include <new>
#include <type_traits>

#include "client/conversation.hpp"
#include "client/judgement.hpp"
#include "common/blob.hpp"

namespace jobmill {

namespace {

/// False, and nothing is left of it, when there is no memory for more.
bool add_bytes(Bytes& payload, ByteView bytes)
{
    try {
        append(payload, bytes);
        return true;
    } catch (const std::bad_alloc&) {
        payload = {};
        return false;
    }
}

}  // namespace

bool Conversation::room_for(std::uint64_t size) const noexcept
{
    const std::uint64_t taken = held_ + reserved_;
    return taken <= memory_ && size <= memory_ - taken;
}

Result<void> Conversation::on(const Chunk& message)
{
    JOBMILL_TRY_ASSIGN(UnfinishedJob * job, job_of(message.tag, message.job, "chunk"));
    return assemble<event::Chunk>(job, message,
                                  event::Chunk{.tag = message.tag,
                                               .job = message.job,
                                               .stream = message.stream,
                                               .size = message.size,
                                               .payload = {}});
}

Result<void> Conversation::on(const JobResult& message)
{
    JOBMILL_TRY_ASSIGN(UnfinishedJob * job, job_of(message.tag, message.job, "result"));
    if (job != nullptr && job->payload != nullptr && message.cause->poison) {
        // The job was set aside with it, for whoever tries it again.
        BlobPool::give_away(*job->payload);
    }
    event::JobResult event{.tag = message.tag,
                           .job = message.job,
                           .state = message.state,
                           .worker = message.worker,
                           .queue_ns = message.queue_ns,
                           .run_ns = message.run_ns,
                           .cause = message.cause,
                           .size = message.size,
                           .payload = {},
                           .blob = {},
                           .attempt = message.attempt,
                           .usage = message.usage,
                           .attempts = message.attempts};
    return message.has_blob ? take_blob(message, job != nullptr, std::move(event))
                            : assemble<event::JobResult>(job, message, std::move(event));
}

/// Keeps a result where it lies, or copies it and gives it back. False when there is no memory for
/// that; then it is given back, too.
bool Conversation::keep_blob(const UniqueFd& descriptor, event::JobResult& event)
{
    auto blob = pool_.open(descriptor, event.size, event.job, returns_);
    if (!blob) {
        returns_->add(event.job);
        return false;
    }
    if (!keep_results_) {
        return add_bytes(event.payload, blob->bytes());
    }
    event.blob = std::move(*blob);
    return true;
}

/// A result that came in a descriptor.
Result<void> Conversation::take_blob(const JobResult& message, bool wanted, event::JobResult event)
{
    const UniqueFd descriptor = std::exchange(frame_descriptor_, UniqueFd{});
    event.dropped = !keep_results_ && !room_for(message.size);
    if (!wanted || event.dropped) {
        returns_->add(message.job);
    } else if (const auto good = check_blob(descriptor.get(), message.size); !good) {
        return nonsense("result", message.tag, good.error().what);
    } else {
        event.dropped = !keep_blob(descriptor, event);
    }
    if (wanted) {
        emit(std::move(event));
        forget(message.tag);
    }
    return {};
}

template <typename Event, typename Message>
Result<void> Conversation::assemble(UnfinishedJob* job, const Message& message, Event event)
{
    const std::uint64_t size = message.payload.size();
    if (message.more ? size >= message.size : size != message.size) {
        return nonsense("payload", message.tag, "its size does not match what came");
    }
    if (job == nullptr) {
        return {};
    }
    if (!message.more && room_for(message.size)) {
        event.payload.assign(message.payload.begin(), message.payload.end());
        emit(std::move(event));
        if constexpr (std::is_same_v<Event, event::JobResult>) {
            forget(message.tag);
        }
        return {};
    }
    Assembly assembly{.event = std::move(event),
                      .missing = message.size,
                      .stream = stream_parts_ && message.more,
                      .dropped = !stream_parts_ && !room_for(message.size)};
    if (!assembly.stream && !assembly.dropped) {
        reserved_ += message.size;
    }
    add_part(assembly, message.payload);
    if (message.more) {
        job->assembly = std::make_unique<Assembly>(std::move(assembly));
    } else {
        finish(message.tag, std::move(assembly));
    }
    return {};
}

/// Keeps a part for the whole, which is dropped when there is no memory for it.
template <typename Event>
void Conversation::keep_part(Assembly& assembly, Event& event, ByteView bytes)
{
    if (!assembly.dropped && !add_bytes(event.payload, bytes)) {
        assembly.dropped = true;
        reserved_ -= event.size;
    }
}

/// Passes a part on, or keeps it for the whole. Memory is taken as bytes come, never because a
/// size was announced.
void Conversation::add_part(Assembly& assembly, ByteView bytes)
{
    assembly.missing -= bytes.size();
    auto* chunk = std::get_if<event::Chunk>(&assembly.event);
    auto* result = std::get_if<event::JobResult>(&assembly.event);
    if (!assembly.stream) {
        if (chunk != nullptr) {
            keep_part(assembly, *chunk, bytes);
        } else if (result != nullptr) {
            keep_part(assembly, *result, bytes);
        }
        return;
    }
    if (bytes.empty()) {
        return;
    }
    if (result != nullptr) {
        emit(event::ResultPart{result->tag, result->job, copy(bytes)});
    } else if (chunk != nullptr) {
        emit(event::Chunk{.tag = chunk->tag,
                          .job = chunk->job,
                          .stream = chunk->stream,
                          .more = assembly.missing > 0,
                          .size = bytes.size(),
                          .payload = copy(bytes)});
    }
}

Result<void> Conversation::on(const Piece& message)
{
    const auto found = jobs_.find(number(message.tag));
    if (found == jobs_.end() || !found->second.assembly) {
        return nonsense("piece", message.tag, "nothing of it is missing");
    }
    Assembly& assembly = *found->second.assembly;
    const std::uint64_t size = message.payload.size();
    if (message.more ? size >= assembly.missing : size != assembly.missing) {
        return nonsense("piece", message.tag, "its size does not match what is missing");
    }
    add_part(assembly, message.payload);
    if (!message.more) {
        Assembly whole = std::move(assembly);
        found.value().assembly.reset();
        finish(message.tag, std::move(whole));
    }
    return {};
}

void Conversation::finish(Tag tag, Assembly assembly)
{
    if (auto* chunk = std::get_if<event::Chunk>(&assembly.event)) {
        reserved_ -= chunk->payload.size();
        chunk->dropped = assembly.dropped;
        if (!assembly.stream) {
            emit(std::move(assembly.event));
        }
    } else if (auto* result = std::get_if<event::JobResult>(&assembly.event)) {
        reserved_ -= result->payload.size();
        result->dropped = assembly.dropped;
        emit(std::move(assembly.event));
        forget(tag);
    }
}

}  // namespace jobmill
