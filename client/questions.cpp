// SPDX-License-Identifier: MIT
// What goes out: requests about jobs that are there, and about the daemon.
#include "client/conversation.hpp"
#include "client/judgement.hpp"
#include "common/option_table.hpp"

namespace jobmill {

Tag Conversation::new_request(MessageType request)
{
    const Tag tag = new_tag();
    requests_.emplace(number(tag), request);
    return tag;
}

Result<void> Conversation::cancel(Tag job, IfRunning running)
{
    if (!jobs_.contains(number(job))) {
        return fail(Errc::not_found, "no unfinished job " + std::to_string(number(job)));
    }
    encode(Cancel{.tag = job, .unless_running = running == IfRunning::let_be}, out_);
    return {};
}

Tag Conversation::cancel(Cancel what, IfRunning running)
{
    what.unless_running = running == IfRunning::let_be;
    what.tag = new_request(MessageType::cancel);
    encode(what, out_);
    return what.tag;
}

Result<Tag> Conversation::cancel_named(CancelWhat what, std::string_view name, IfRunning running)
{
    const std::string_view kind = what == CancelWhat::batch ? "batch name" : "label";
    if (name.empty()) {
        return fail(Errc::invalid, "an empty " + std::string{kind} + " names no jobs");
    }
    JOBMILL_TRY(check_name(kind, name));
    return cancel({.what = what, .name = name}, running);
}

Tag Conversation::retry_job(JobId job)
{
    const Tag tag = new_tag();
    UnfinishedJob& unfinished = jobs_[number(tag)];
    unfinished.counts = false;
    unfinished.detached = true;
    encode(Retry{.tag = tag, .job = job}, out_);
    return tag;
}

Result<Tag> Conversation::wait_job(JobId job)
{
    const Tag tag = new_tag();
    UnfinishedJob& unfinished = jobs_[number(tag)];
    unfinished.job = job;
    unfinished.accepted = true;
    unfinished.counts = false;
    encode(Wait{.tag = tag, .job = job}, out_);
    return tag;
}

Result<Tag> Conversation::status(std::vector<JobId> jobs)
{
    if (jobs.size() > limits::status_jobs) {
        return fail(Errc::invalid, "status of " + std::to_string(jobs.size()) +
                                       " jobs; the limit is " +
                                       std::to_string(limits::status_jobs));
    }
    const Tag tag = new_request(MessageType::status);
    encode(StatusRequest{.tag = tag, .jobs = std::move(jobs)}, out_);
    return tag;
}

Result<Tag> Conversation::handlers()
{
    const Tag tag = new_request(MessageType::handlers);
    encode(HandlersRequest{.tag = tag}, out_);
    return tag;
}

Result<Tag> Conversation::reload()
{
    const Tag tag = new_request(MessageType::reload);
    encode(ReloadRequest{.tag = tag}, out_);
    return tag;
}

Result<Tag> Conversation::log_level(std::string_view level)
{
    if (level.size() > limits::name) {
        return fail(Errc::invalid, "a log level of " + std::to_string(level.size()) +
                                       " bytes; the limit is " + std::to_string(limits::name));
    }
    const Tag tag = new_request(MessageType::log_level);
    encode(LogLevelRequest{.tag = tag, .level = level}, out_);
    return tag;
}

Result<Tag> Conversation::adjust(const Adjustment& adjustment)
{
    AdjustRequest request{.tag = {},
                          .pool = adjustment.pool,
                          .label = adjustment.label,
                          .max_running = adjustment.max_running,
                          .weight = adjustment.weight};
    JOBMILL_TRY(check_name("pool name", request.pool));
    JOBMILL_TRY(check_name("label", request.label));
    JOBMILL_TRY(as_result(options::check(request)));
    request.tag = new_request(MessageType::adjust);
    encode(request, out_);
    return request.tag;
}

Result<Tag> Conversation::ping(ByteView payload)
{
    if (payload.size() > limits::ping_payload) {
        return fail(Errc::invalid, "ping of " + std::to_string(payload.size()) +
                                       " bytes; the limit is " +
                                       std::to_string(limits::ping_payload));
    }
    const Tag tag = new_request(MessageType::ping);
    encode(Ping{.tag = tag, .payload = payload}, out_);
    return tag;
}

}  // namespace jobmill
