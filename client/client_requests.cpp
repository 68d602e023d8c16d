// SPDX-License-Identifier: MIT
// What a client asks for.
#include <charconv>
#include <cstdlib>

#include "client/client_state.hpp"

namespace jobmill {

bool Client::can_submit(std::uint64_t payload_size) const noexcept
{
    return state_->conversation.can_submit(payload_size);
}

Result<void> Client::State::wait_for_credit(std::uint64_t payload_size)
{
    const auto must_wait = [&] {
        return !conversation.can_submit(payload_size) && !conversation.closing();
    };
    while (must_wait()) {
        JOBMILL_TRY(send());
        if (must_wait()) {
            JOBMILL_TRY(wait({}));
        }
    }
    return {};
}

std::string_view Client::State::named_socket() noexcept
{
    const char* place = std::getenv("JOBMILL_SOCKET");  // NOLINT(concurrency-mt-unsafe)
    return place == nullptr ? std::string_view{} : place;
}

std::optional<std::uint64_t> Client::State::parent_of(const NewJob& job) const
{
    // Most programs are nobody's, and do not look through their environment for each job.
    if (job.options.parent || job.detached || !within_daemon) {
        return job.options.parent;
    }
    // Asked each time: a worker's handlers are one job after another.
    const char* digits = std::getenv("JOBMILL_JOB");  // NOLINT(concurrency-mt-unsafe)
    if (digits == nullptr) {
        return {};
    }
    const std::string_view text{digits};
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = read.ec == std::errc{} && read.ptr == text.data() + text.size();
    return whole && number > 0 ? std::optional{number} : std::nullopt;
}

Result<Tag> Client::submit(const NewJob& job)
{
    JOBMILL_TRY(state_->check_open());
    JOBMILL_TRY(state_->wait_for_credit(job.payload.size()));
    return state_->conversation.submit(job, state_->parent_of(job));
}

Result<LentBlob> Client::lend(std::size_t size)
{
    return state_->conversation.lend(size);
}

Result<Tag> Client::submit(const NewJob& job, LentBlob payload)
{
    JOBMILL_TRY(state_->check_open());
    JOBMILL_TRY(state_->wait_for_credit(payload.bytes().size()));
    return state_->conversation.submit(job, state_->parent_of(job), std::move(payload));
}

Result<Tag> Client::put(ByteView payload)
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.put(payload);
}

Result<Tag> Client::put(LentBlob payload)
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.put(std::move(payload));
}

Result<void> Client::drop(Tag blob)
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.drop(blob);
}

Result<Conversation::Range> Client::State::submit_first(std::span<const ByteView> payloads,
                                                        const NewJob& job)
{
    JOBMILL_TRY(wait_for_credit(payloads.front().size()));
    return conversation.submit_many(payloads, job, parent_of(job));
}

Result<std::vector<Tag>> Client::submit_many(std::span<const ByteView> payloads, const NewJob& job)
{
    JOBMILL_TRY(state_->check_open());
    JOBMILL_TRY(state_->conversation.check_many(payloads, job));
    std::vector<Tag> tags;
    tags.reserve(payloads.size());
    while (tags.size() < payloads.size()) {
        const auto rest = payloads.subspan(tags.size());
        const auto submitted = state_->submit_first(rest, job);
        if (!submitted) {
            // Those before are submitted, so that their tags are wanted.
            return tags.empty() ? Result<std::vector<Tag>>{tl::unexpect, submitted.error()} : tags;
        }
        for (std::uint64_t i = 0; i < submitted->count; ++i) {
            tags.push_back(Tag{number(submitted->first) + i});
        }
    }
    return tags;
}

Result<void> Client::cancel(Tag job, IfRunning running)
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.cancel(job, running);
}

Result<Tag> Client::cancel_job(JobId job, IfRunning running)
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.cancel({.what = CancelWhat::job, .job = job}, running);
}

Result<Tag> Client::cancel_all(IfRunning running)
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.cancel({.what = CancelWhat::all}, running);
}

Result<Tag> Client::cancel_batch(std::string_view name, IfRunning running)
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.cancel_named(CancelWhat::batch, name, running);
}

Result<Tag> Client::cancel_label(std::string_view label, IfRunning running)
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.cancel_named(CancelWhat::label, label, running);
}

Result<Tag> Client::cancel_session(IfRunning running)
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.cancel({.what = CancelWhat::session}, running);
}

Result<Tag> Client::retry_job(JobId job)
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.retry_job(job);
}

Result<Tag> Client::wait_job(JobId job)
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.wait_job(job);
}

Result<Tag> Client::status(std::vector<JobId> jobs)
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.status(std::move(jobs));
}

Result<Tag> Client::handlers()
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.handlers();
}

Result<Tag> Client::reload()
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.reload();
}

Result<Tag> Client::log_level(std::string_view level)
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.log_level(level);
}

Result<Tag> Client::adjust(const Adjustment& adjustment)
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.adjust(adjustment);
}

Result<Tag> Client::ping(ByteView payload)
{
    JOBMILL_TRY(state_->check_open());
    return state_->conversation.ping(payload);
}

}  // namespace jobmill
