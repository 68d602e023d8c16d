// SPDX-License-Identifier: MIT
#include "daemon/session_intake.hpp"

#include <algorithm>

#include "common/blob.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {

void SessionIntake::open(const Open& open)
{
    if (opened_.size() >= limits::opened_handlers && !opened_.contains(open.number)) {
        refuse_request(Tag{open.number}, {},
                       refusal(error_code::too_large, "too many opened handlers", "id",
                               limits::opened_handlers));
        return;
    }
    if (const auto route = outside_.pools.find(open.pool, open.handler); !route) {
        refuse_request(Tag{open.number}, {}, route.error());
        return;
    }
    opened_.insert_or_assign(open.number,
                             std::pair{std::string{open.pool}, std::string{open.handler}});
    outside_.output.send(Opened{open.number}, {});
}

tl::expected<Submission, ErrorReply> SessionIntake::judge(const Submit& submit) const
{
    if (outside_.closing()) {
        return refuse(error_code::closing, "the daemon stops and takes no jobs");
    }
    std::string_view pool = submit.options.pool;
    std::string_view handler = submit.options.handler;
    if (submit.handler_number != 0) {
        const auto opened = opened_.find(submit.handler_number);
        if (opened == opened_.end()) {
            return refuse(error_code::unknown_handler, "this number was not opened", "handler");
        }
        pool = opened->second.first;
        handler = opened->second.second;
    } else if (handler.empty()) {
        return refuse(error_code::missing_field, "a handler is needed", "handler");
    }
    const auto route = outside_.pools.find(pool, handler);
    if (!route) {
        return tl::unexpected<ErrorReply>(route.error());
    }
    const Admission& admission = outside_.desk.admission();
    if (const auto fit = admission.judge_size(submit.size); !fit) {
        return tl::unexpected<ErrorReply>(fit.error());
    }
    // A JSON line may hold a payload that is larger than a link's frame.
    const bool small = !submit.more && !submit.has_blob && submit.size <= limits::inline_payload;
    const JobLoad load{
        .jobs = 1, .bytes = submit.size, .blobs = small ? std::uint64_t{0} : std::uint64_t{1}};
    if (const auto room = admission.judge(client_, load); !room) {
        return tl::unexpected<ErrorReply>(room.error());
    }
    auto ask = outside_.desk.ask(client_, submit.options.job, *route);
    if (!ask) {
        return tl::unexpected<ErrorReply>(ask.error());
    }
    return Submission{.pool = route->pool,
                      .handler = route->handler,
                      .detached = submit.options.detached,
                      .want_started = submit.options.want_started,
                      .want_progress = submit.options.want_progress,
                      .content = JobContent{submit.options.label, submit.options.args,
                                            small ? submit.payload : ByteView{}},
                      .ask = std::move(*ask)};
}

tl::expected<void, ErrorReply> SessionIntake::judge_pieces(const Submit& submit) const
{
    const auto full = [](const std::string& key, std::uint64_t limit) {
        return refuse_busy("too many payloads are on their way; the limit (" + key + ") is " +
                               std::to_string(limit),
                           retry_soon_ms, "payload", limit);
    };
    if (incoming_.size() == 0) {
        return {};
    }
    if (incoming_.size() >= credit_.jobs) {
        return full("credit_jobs", credit_.jobs);
    }
    if (incoming_.bytes() + submit.size > credit_.bytes) {
        return full("credit_bytes", credit_.bytes);
    }
    return {};
}

/// What judge() passes, with the payload as far as it has come.
tl::expected<Submission, ErrorReply> SessionIntake::judge_payload(const Submit& submit,
                                                                  UniqueFd blob) const
{
    auto submission = judge(submit);
    if (!submission) {
        return submission;
    }
    if (submit.more) {
        if (auto fit = judge_pieces(submit); !fit) {
            return tl::unexpected<ErrorReply>(std::move(fit.error()));
        }
    }
    if (submit.has_blob) {
        if (const auto fit = check_blob(blob.get(), submit.size); !fit) {
            return refuse(error_code::bad_descriptor, fit.error().what, "payload");
        }
    } else if (submit.more || submit.size > limits::inline_payload) {
        auto made = make_blob(submit.size);
        if (!made || !write_blob(made->get(), 0, submit.payload)) {
            return refuse_busy("no memory for the payload", retry_later_ms, "payload");
        }
        blob = std::move(*made);
    } else {
        return submission;
    }
    if (!outside_.descriptors.allows_blob(blob.get())) {
        const auto limit = static_cast<std::uint64_t>(outside_.descriptors.limit());
        return refuse_busy("too few descriptors are left of " + std::to_string(limit),
                           retry_soon_ms, "payload", limit);
    }
    submission->content.set_blob(std::move(blob), submit.size);
    return submission;
}

SessionIntake::Verdict SessionIntake::submit(Tag tag, const Submit& submit)
{
    UniqueFd blob;
    if (submit.has_blob && !outside_.channel.received_fds().empty()) {
        blob = std::move(outside_.channel.received_fds().front());
        outside_.channel.received_fds().pop_front();
    }
    if (outside_.output.spelling() == Spelling::binary && !outside_.tags.add(tag)) {
        auto error = refusal(error_code::duplicate_id, "this id is of an unfinished job", "id");
        if (submit.more) {
            // Its pieces could not be told from the other's.
            return tl::unexpected<ErrorReply>(std::move(error));
        }
        refuse_request(tag, {}, std::move(error));
        return {};
    }
    auto submission = judge_payload(submit, std::move(blob));
    if (submission && submit.more) {
        Admission::Place place{outside_.desk.admission(), client_, load_of(*submission)};
        incoming_.begin(tag, std::move(*submission), submit.payload.size(), std::move(place));
        return {};
    }
    if (!submission) {
        refuse_request(tag, outside_.tags.text(tag), submission.error());
        if (submit.more) {
            incoming_.begin_refused(tag);
        } else {
            outside_.tags.remove(tag);
        }
        return {};
    }
    accept(tag, std::move(*submission));
    return {};
}

tl::expected<std::vector<Submission>, ErrorReply> SessionIntake::judge_many(
    const SubmitMany& many) const
{
    std::uint64_t bytes = 0;
    for (const ByteView payload : many.payloads) {
        bytes += payload.size();
    }
    const JobLoad load{.jobs = many.payloads.size(), .bytes = bytes};
    if (const auto room = outside_.desk.admission().judge(client_, load); !room) {
        return tl::unexpected<ErrorReply>(room.error());
    }
    std::vector<Submission> submissions;
    submissions.reserve(many.payloads.size());
    for (const ByteView payload : many.payloads) {
        const Submit one{.handler_number = many.handler_number,
                         .size = payload.size(),
                         .options = many.options,
                         .payload = payload};
        auto submission = judge_payload(one, UniqueFd{});
        if (!submission) {
            return tl::unexpected<ErrorReply>(submission.error());
        }
        submissions.push_back(std::move(*submission));
    }
    return submissions;
}

/// None when one of them is in use already; then none is taken.
std::optional<std::vector<Tag>> SessionIntake::take_tags(const SubmitMany& many)
{
    std::vector<Tag> tags;
    tags.reserve(many.payloads.size());
    for (std::size_t i = 0; i < many.payloads.size(); ++i) {
        std::optional<Tag> tag;
        if (outside_.output.spelling() == Spelling::json) {
            tag = outside_.tags.add(many.ids[i]);
        } else if (outside_.tags.add(Tag{number(many.first) + i})) {
            tag = Tag{number(many.first) + i};
        }
        if (!tag) {
            for (const Tag taken : tags) {
                outside_.tags.remove(taken);
            }
            return {};
        }
        tags.push_back(*tag);
    }
    return tags;
}

void SessionIntake::submit_many(Tag tag, std::string_view id, const SubmitMany& many)
{
    auto submissions = judge_many(many);
    if (!submissions) {
        refuse_request(tag, id, std::move(submissions.error()));
        return;
    }
    const auto tags = take_tags(many);
    if (!tags) {
        refuse_request(tag, id,
                       refusal(error_code::duplicate_id, "an id is of an unfinished job", "ids"));
        return;
    }
    for (std::size_t i = 0; i < tags->size(); ++i) {
        accept((*tags)[i], std::move((*submissions)[i]));
    }
}

SessionIntake::Verdict SessionIntake::skip_pieces(Tag tag)
{
    if (!outside_.tags.add(tag)) {
        // They could not be told from the other's.
        return refuse(error_code::duplicate_id, "this id is of an unfinished job", "id");
    }
    incoming_.begin_refused(tag);
    return {};
}

void SessionIntake::accept(Tag tag, Submission submission)
{
    const std::uint64_t size = submission.content.payload_size();
    const bool detached = submission.detached;
    const JobId job = outside_.desk.next_job();
    // First of all: the job may end within its own submit.
    outside_.output.accept(tag, job);
    if (detached) {
        // Its events are for who waits for it; this session has no more to do with it.
        outside_.tags.remove(tag);
    } else {
        jobs_.emplace(number(tag), Credited{.job = job, .bytes = size});
        bytes_ += size;
    }
    outside_.desk.submit(client_, job, tag, std::move(submission));
}

void SessionIntake::piece(Tag tag, std::string_view id, const Piece& piece)
{
    const bool was_coming = incoming_.contains(tag);
    auto added = incoming_.add(piece);
    if (!added) {
        refuse_request(tag, id, added.error());
        if (was_coming && !incoming_.contains(tag)) {
            outside_.tags.remove(tag);
        }
    } else if (added->refused_ended) {
        outside_.tags.remove(tag);
    } else if (added->whole) {
        accept(tag, std::move(*added->whole));
    }
}

void SessionIntake::cancel(Tag tag, std::string_view id)
{
    const auto job = jobs_.find(number(tag));
    if (job != jobs_.end() && outside_.desk.knows(job->second.job)) {
        outside_.output.send_accepted();
        outside_.desk.cancel(job->second.job);
    } else if (incoming_.drop(tag)) {
        refuse_request(tag, id,
                       refusal(error_code::not_found, "cancelled before its payload was whole"));
    } else if (job == jobs_.end()) {
        refuse_request(tag, id, refusal(error_code::not_found, "no such live job"));
    }
}

void SessionIntake::abandon_payloads()
{
    for (const auto& [tag, refused] : incoming_.abandon()) {
        if (!refused) {
            refuse_request(tag, outside_.tags.text(tag),
                           refusal(error_code::bad_value,
                                   "the input ended before the payload was whole", "payload"));
        }
        outside_.tags.remove(tag);
    }
}

bool SessionIntake::spent() const
{
    // A single payload may be above the credit, when it is alone.
    const std::size_t jobs = jobs_.size() + incoming_.size();
    const bool over_credit =
        jobs > credit_.jobs || (jobs > 1 && bytes_ + incoming_.bytes() > credit_.bytes);
    // Only what is accepted ends by itself; payloads that are still coming need us to read.
    return !jobs_.empty() && over_credit;
}

void SessionIntake::result_is_out(Tag tag)
{
    if (const auto job = jobs_.find(number(tag)); job != jobs_.end()) {
        bytes_ -= job->second.bytes;
        jobs_.erase(job);
    }
}

void SessionIntake::refuse_request(Tag tag, std::string_view id, ErrorReply error)
{
    outside_.output.send(ErrorMessage{.tag = tag, .error = std::move(error)}, id);
}

}  // namespace jobmill::daemon
