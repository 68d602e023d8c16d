// SPDX-License-Identifier: MIT
#include "daemon/session_intake.hpp"

#include <algorithm>

#include "daemon/refusal.hpp"

namespace jobmill::daemon {
namespace {

/// A JSON line may hold a payload that is larger than a link's frame.
bool is_small(const Submit& submit)
{
    return !submit.more && !submit.has_blob && submit.size <= limits::inline_payload;
}

JobLoad load_of(const SubmitMany& many)
{
    JobLoad load{.jobs = many.payloads.size(),
                 .bytes = many.payloads.size() * many.options.args.size()};
    for (const ByteView payload : many.payloads) {
        load.bytes += payload.size();
    }
    return load;
}

}  // namespace

void SessionIntake::open(const Open& open)
{
    if (opened_.size() >= limits::opened_handlers && !opened_.contains(open.number)) {
        refuse_request(Tag{open.number}, {},
                       refusal(error_code::too_large, "too many opened handlers", "id",
                               limits::opened_handlers));
        return;
    }
    const auto route = outside_.pools.find(open.pool, open.handler);
    if (!route) {
        refuse_request(Tag{open.number}, {}, route.error());
        return;
    }
    opened_.insert_or_assign(open.number, OpenedHandler{.pool = std::string{open.pool},
                                                        .handler = std::string{open.handler},
                                                        .number = route->handler});
    outside_.output.send(Opened{open.number}, {});
}

tl::expected<std::vector<JobContent>, ErrorReply> SessionIntake::judge_inputs(
    const SubmitOptions& options) const
{
    std::vector<JobContent> inputs;
    for (const std::uint64_t tag : *options.inputs) {
        const auto stored = stored_.find(tag);
        if (stored == stored_.end()) {
            return refuse(error_code::not_found, "nothing was put under this id", "inputs");
        }
        inputs.emplace_back().share_blob(stored->second);
    }
    return inputs;
}

tl::expected<Route, ErrorReply> SessionIntake::find_route(const Submit& submit) const
{
    if (outside_.closing()) {
        return refuse(error_code::closing, "the daemon stops and takes no jobs");
    }
    std::string_view pool = submit.options.pool;
    std::string_view handler = submit.options.handler;
    std::uint16_t guess = 0;
    if (submit.handler_number != 0) {
        const auto opened = opened_.find(submit.handler_number);
        if (opened == opened_.end()) {
            return refuse(error_code::unknown_handler, "this number was not opened", "handler");
        }
        pool = opened->second.pool;
        handler = opened->second.handler;
        guess = opened->second.number;
    } else if (handler.empty()) {
        return refuse(error_code::missing_field, "a handler is needed", "handler");
    }
    return outside_.pools.find(pool, handler, guess);
}

tl::expected<Submission, ErrorReply> SessionIntake::judge(const Submit& submit, const Route& route,
                                                          bool has_room) const
{
    const auto stored = submit.options.blob ? stored_.find(*submit.options.blob) : stored_.end();
    if (submit.options.blob && stored == stored_.end()) {
        return refuse(error_code::not_found, "nothing was put under this id", "blob");
    }
    auto inputs = judge_inputs(submit.options);
    if (!inputs) {
        return tl::unexpected<ErrorReply>(std::move(inputs.error()));
    }
    const bool small = is_small(submit);
    const JobLoad load{.jobs = 1,
                       // The size is what the client says: the sum may have wrapped.
                       .bytes = std::max(submit.size, submit.size + submit.options.args.size()),
                       .blobs = small ? std::uint64_t{0} : std::uint64_t{1}};
    if (auto fit = has_room && small ? outside_.desk.admission().judge_size(submit.size)
                                     : judge_load(load, submit.size);
        !fit) {
        return tl::unexpected<ErrorReply>(std::move(fit.error()));
    }
    auto ask = outside_.desk.ask(client_, submit.options.job, route);
    if (!ask) {
        return tl::unexpected<ErrorReply>(ask.error());
    }
    Submission submission{.pool = route.pool,
                          .handler = route.handler,
                          .detached = submit.options.detached,
                          .want_started = submit.options.want_started,
                          .want_progress = submit.options.want_progress,
                          .content = JobContent{submit.options.label, submit.options.args,
                                                small ? submit.payload : ByteView{}},
                          .ask = std::move(*ask)};
    if (stored != stored_.end()) {
        submission.content.share_blob(stored->second);
    }
    if (submit.options.want_retrying) {
        outside_.desk.ask_of(submission).want_retrying = true;
    }
    if (!inputs->empty()) {
        add_inputs(outside_.desk.ask_of(submission), std::move(*inputs),
                   !small || submission.content.blob());
    }
    return submission;
}

/// What judge() passes, with the payload as far as it has come.
tl::expected<Submission, ErrorReply> SessionIntake::judge_payload(const Submit& submit,
                                                                  Given blob) const
{
    const auto route = find_route(submit);
    if (!route) {
        return tl::unexpected<ErrorReply>(route.error());
    }
    auto submission = judge(submit, *route);
    if (!submission || is_small(submit)) {
        return submission;
    }
    auto gathered = gather(submit, std::move(blob));
    if (!gathered) {
        return tl::unexpected<ErrorReply>(std::move(gathered.error()));
    }
    submission->content.set_blob(std::move(*gathered), submit.size);
    return submission;
}

SessionIntake::Verdict SessionIntake::submit(Tag tag, const Submit& submit)
{
    Given blob = take_descriptor(submit.has_blob);
    return take_tag(tag) ? begin(tag, submit, judge_payload(submit, std::move(blob)))
                         : refuse_tag(tag, submit.more);
}

tl::expected<std::vector<Submission>, ErrorReply> SessionIntake::judge_many(
    const SubmitMany& many) const
{
    if (const auto room = outside_.desk.admission().judge(client_, load_of(many)); !room) {
        return tl::unexpected<ErrorReply>(room.error());
    }
    std::vector<Submission> submissions;
    submissions.reserve(many.payloads.size());
    Submit one{.handler_number = many.handler_number, .options = many.options, .payload = {}};
    const auto route = find_route(one);
    if (!route) {
        return tl::unexpected<ErrorReply>(route.error());
    }
    for (const ByteView payload : many.payloads) {
        one.size = payload.size();
        one.payload = payload;
        auto submission = judge(one, *route, true);  // room was judged above
        if (!submission) {
            return tl::unexpected<ErrorReply>(submission.error());
        }
        submissions.push_back(std::move(*submission));
    }
    return submissions;
}

/// None when it is in use already.
std::optional<Tag> SessionIntake::take_tag_of(const SubmitMany& many, std::size_t position)
{
    if (outside_.output.spelling() == Spelling::json) {
        return outside_.tags.add(many.ids[position]);
    }
    const Tag tag{number(many.first) + position};
    return outside_.tags.add(tag) ? std::optional{tag} : std::nullopt;
}

/// None when one of them is in use already; then none is taken.
std::optional<std::vector<Tag>> SessionIntake::take_tags(const SubmitMany& many)
{
    std::vector<Tag> tags;
    tags.reserve(many.payloads.size());
    for (std::size_t i = 0; i < many.payloads.size(); ++i) {
        const std::optional<Tag> tag = take_tag_of(many, i);
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

SessionIntake::Verdict SessionIntake::submit_many(Tag tag, std::string_view id,
                                                  const SubmitMany& many)
{
    if (many.each) {
        return submit_each(many);
    }
    submit_all(tag, id, many);
    return {};
}

SessionIntake::Verdict SessionIntake::submit_each(const SubmitMany& many)
{
    Submit one{.handler_number = many.handler_number, .options = many.options, .payload = {}};
    const auto route = find_route(one);
    const bool has_room = outside_.desk.admission().has_room(client_, load_of(many));
    for (std::size_t i = 0; i < many.payloads.size(); ++i) {
        const std::optional<Tag> tag = take_tag_of(many, i);
        if (!tag) {
            refuse_request(Tag{number(many.first) + i},
                           many.ids.empty() ? std::string_view{} : many.ids[i],
                           refusal(error_code::duplicate_id, "this id is in use", "id"));
            continue;
        }
        one.tag = *tag;
        one.size = many.payloads[i].size();
        one.payload = many.payloads[i];
        auto submission =
            route ? judge(one, *route, has_room) : tl::unexpected<ErrorReply>(route.error());
        if (auto verdict = begin(*tag, one, std::move(submission)); !verdict) {
            return verdict;
        }
    }
    return {};
}

void SessionIntake::submit_all(Tag tag, std::string_view id, const SubmitMany& many)
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

void SessionIntake::accept(Tag tag, Submission&& submission)
{
    const JobContent& content = submission.content;
    const std::uint64_t size = content.is_shared() ? 0 : content.payload_size();
    const bool detached = submission.detached;
    const JobId job = outside_.desk.next_job();
    // First of all: the job may end within its own submit.
    outside_.output.accept(tag, job, detached);
    if (detached) {
        // Its events are for who waits for it; this session has no more to do with it.
        outside_.tags.remove(tag);
    } else {
        *outside_.tags.use_of(tag) = {.job = job, .bytes = size};
        ++jobs_;
        bytes_ += size;
    }
    outside_.desk.submit(client_, job, tag, std::move(submission));
}

/// 0: none.
JobId SessionIntake::job_of(Tag tag)
{
    if (const auto waited = waited_.find(number(tag)); waited != waited_.end()) {
        return waited->second;
    }
    const SessionTags::Use* use = outside_.tags.use_of(tag);
    return use == nullptr ? JobId{} : use->job;
}

void SessionIntake::cancel(Tag tag, std::string_view id, bool unless_running)
{
    const JobId job = job_of(tag);
    if (job != JobId{} && outside_.desk.knows(job)) {
        outside_.output.send_accepted();
        if (unless_running) {
            outside_.desk.cancel_unless_running(client_.session, tag, job);
        } else {
            outside_.desk.cancel(job);
        }
    } else if (incoming_.drop(tag)) {
        refuse_request(tag, id,
                       refusal(error_code::not_found, "cancelled before its payload was whole"));
    } else if (job == JobId{}) {
        refuse_request(tag, id, refusal(error_code::not_found, "no such live job"));
    }
}

bool SessionIntake::spent() const
{
    // A single payload may be above the credit, when it is alone.
    const std::size_t jobs = jobs_ + incoming_.size();
    const bool over_credit =
        jobs > credit_.jobs || (jobs > 1 && bytes_ + incoming_.bytes() > credit_.bytes);
    // Only what is accepted ends by itself; payloads that are still coming need us to read.
    return jobs_ > 0 && over_credit;
}

void SessionIntake::result_is_out(Tag tag)
{
    if (!waited_.empty()) {
        waited_.erase(number(tag));
    }
    const SessionTags::Use use = outside_.tags.remove(tag);
    if (use.job != JobId{}) {
        bytes_ -= use.bytes;
        --jobs_;
    }
}

void SessionIntake::refuse_request(Tag tag, std::string_view id, ErrorReply error)
{
    outside_.output.send(ErrorMessage{.tag = tag, .error = std::move(error)}, id);
}

}  // namespace jobmill::daemon
