// SPDX-License-Identifier: MIT
#include "daemon/job_desk.hpp"

#include <unistd.h>

#include <algorithm>

#include "common/assert.hpp"
#include "common/builtin_names.hpp"
#include "daemon/client_session.hpp"
#include "daemon/job_report.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {
namespace {

bool is_command(const HandlerEntry& handler)
{
    return handler.name == exec_handler_name && handler.module == builtin_module_name;
}

/// For each handler of a pool the number of that name in the one that follows it, if there is one.
std::vector<std::optional<std::uint16_t>> heirs_of(const std::vector<HandlerEntry>& old,
                                                   const std::vector<HandlerEntry>& handlers)
{
    std::vector<std::optional<std::uint16_t>> heirs;
    for (const HandlerEntry& handler : old) {
        const auto found =
            std::find_if(handlers.begin(), handlers.end(),
                         [&](const HandlerEntry& each) { return each.name == handler.name; });
        heirs.push_back(found == handlers.end()
                            ? std::nullopt
                            : std::optional{static_cast<std::uint16_t>(found - handlers.begin())});
    }
    return heirs;
}

}  // namespace

void JobDesk::submit(const Submitter& client, JobId job, Tag tag, Submission&& submission)
{
    core::JobSubmitted event{.job = job,
                             .session = client.session,
                             .pool = submission.pool,
                             .user = core::UserId{client.uid},
                             .label = labels_.find(submission.content.label()),
                             .handler = submission.handler,
                             .detached = submission.detached,
                             .offer_size = submission.content.sent_size(),
                             .more = true};
    if (submission.ask) {
        batches_.accepted(submission.ask->batch, client.session);
        event.batch = submission.ask->batch.batch();
        // Nobody waits for what outlives its session.
        event.parent = submission.detached ? JobId{} : submission.ask->parent;
    }
    JobRecord& record = records_.add(job, client.uid);
    record.session = client.session;
    record.tag = tag;
    record.submission = std::move(submission);
    record.submitted = outside_.now();
    if (!record.submission.ask) {
        record.defaults = defaults_.take(event.pool, outside_.pools.entry(event.pool),
                                         runs_command(record.submission));
    }
    event.terms = terms_of(record);
    admission_.enter(client, load_of(record.submission));
    if (std::find(submitted_to_.begin(), submitted_to_.end(), event.pool) == submitted_to_.end()) {
        submitted_to_.push_back(event.pool);
    }
    outside_.post_at(event, record.submitted);
}

void JobDesk::end_submits()
{
    offered_to_.swap(submitted_to_);
    for (const PoolId pool : offered_to_) {
        outside_.post(core::SubmitsHeard{pool});
    }
    offered_to_.clear();
}

bool JobDesk::runs_command(const Submission& submission) const
{
    return is_command(outside_.pools.entry(submission.pool).handlers.at(submission.handler));
}

const core::JobTerms& JobDesk::terms_of(const JobRecord& record) const
{
    const JobAsk* ask = record.submission.ask.get();
    return ask != nullptr ? ask->terms : defaults_[record.defaults].terms;
}

JobAsk& JobDesk::ask_of(Submission& submission) const
{
    if (!submission.ask) {
        const PoolEntry& pool = outside_.pools.entry(submission.pool);
        submission.ask =
            std::make_unique<JobAsk>(resolve({}, pool.settings, runs_command(submission)));
    }
    return *submission.ask;
}

JobAsk& JobDesk::ask_of(JobRecord& record) const
{
    if (!record.submission.ask) {
        record.submission.ask = std::make_unique<JobAsk>(defaults_.ask(record.defaults));
    }
    return *record.submission.ask;
}

const JobLimits& JobDesk::limits_of(const JobRecord& record) const
{
    const JobAsk* ask = record.submission.ask.get();
    return ask != nullptr ? ask->limits : defaults_[record.defaults].limits;
}

tl::expected<std::unique_ptr<JobAsk>, ErrorReply> JobDesk::ask(const Submitter& client,
                                                               const Rarely<JobOptions>& wish,
                                                               const Route& route)
{
    if (!wish.present()) {
        return nullptr;
    }
    const JobOptions& options = *wish;
    const PoolEntry& pool = outside_.pools.entry(route.pool);
    auto ask = std::make_unique<JobAsk>(
        resolve(options, pool.settings, is_command(pool.handlers.at(route.handler))));
    const JobRecord* parent = records_.find(ask->parent);
    if (parent == nullptr || (parent->uid != client.uid && client.uid != ::geteuid())) {
        ask->parent =
            {};  // a place is lent by one's own jobs; what jobs do, the daemon's user does
    }
    if (options.batch.empty() && !options.halt.empty()) {
        return refuse(error_code::missing_field, "a rule is a batch's: which one?", "batch");
    }
    if (!options.batch.empty()) {
        auto seat = batches_.join(client.uid, options.batch, options.halt);
        if (!seat) {
            return tl::unexpected<ErrorReply>(seat.error());
        }
        ask->batch = std::move(*seat);
    }
    return ask;
}

void JobDesk::set_labels(const std::vector<LabelSettings>& labels)
{
    const std::vector<bool> used = outside_.core.labels_of_jobs();
    std::vector<core::LabelAdjusted> rules;
    std::map<std::string_view, core::LabelId> fresh;
    for (const LabelSettings& settings : labels) {
        const Labels::Entry entry = labels_.set(settings, used);
        if (number(entry.id) != 0) {
            rules.push_back(Labels::event_of(entry));
        }
        if (entry.is_new) {
            fresh.emplace(settings.name, entry.id);
        }
    }
    relabel(fresh);
    // Last, so that all that run are counted before any is judged by the bound.
    for (const core::LabelAdjusted& rule : rules) {
        outside_.post(rule);
    }
}

/// One look at each job, however many labels are new.
void JobDesk::relabel(const std::map<std::string_view, core::LabelId>& fresh)
{
    std::vector<core::JobRelabelled> jobs;
    if (!fresh.empty()) {
        records_.each([&](const JobRecord& record) {
            const auto found = fresh.find(record.submission.content.label());
            if (found != fresh.end()) {
                jobs.push_back({.job = record.id, .label = found->second});
            }
        });
    }
    std::sort(jobs.begin(), jobs.end(),
              [](const auto& one, const auto& other) { return one.job < other.job; });
    for (const core::JobRelabelled& job : jobs) {
        outside_.post(job);
    }
}

void JobDesk::set_limits(const Limits& limits)
{
    admission_.set_limits(limits.room);
    unread_.set_limits(limits.unread);
    output_room_.set_limits(limits.output);
    set_aside_.set_limits(limits.set_aside);
}

void JobDesk::move_jobs(PoolId from, PoolId to)
{
    std::vector<JobId> waiting;
    records_.each([&](const JobRecord& record) {
        if (record.submission.pool == from &&
            outside_.core.state_of(record.id) != JobState::running) {
            waiting.push_back(record.id);
        }
    });
    std::sort(waiting.begin(), waiting.end());
    const auto heirs =
        heirs_of(outside_.pools.entry(from).handlers, outside_.pools.entry(to).handlers);
    for (const JobId job : waiting) {
        Submission& submission = records_.at(job).submission;
        if (const auto heir = heirs.at(submission.handler)) {
            submission.pool = to;
            submission.handler = *heir;
            outside_.post(core::JobMoved{.job = job, .to = to, .handler = *heir});
        }
    }
    for (std::size_t i = 0; i < heirs.size(); ++i) {
        if (const auto heir = heirs[i]) {
            outside_.post(core::HandlerSucceeded{.pool = from,
                                                 .handler = static_cast<std::uint16_t>(i),
                                                 .to = to,
                                                 .to_handler = *heir});
        }
    }
}

void JobDesk::handed_over(const core::JobHandedOver& effect)
{
    Submission& submission = records_.at(effect.job).submission;
    submission.pool = effect.to;
    submission.handler = effect.handler;
}

const JobRecord* JobDesk::find(JobId job, const Identity& client) const
{
    const JobRecord* record = records_.find(job);
    return record == nullptr || !client.may_touch(record->uid) ? nullptr : record;
}

tl::expected<JobId, ErrorReply> JobDesk::retry(const ClientSession& session, JobId job)
{
    const SetAside::Job* aside =
        set_aside_.find(job, session.identity().uid, session.identity().admin);
    if (aside == nullptr) {
        return refuse(error_code::not_found, "no such job was set aside", "job");
    }
    const auto route = outside_.pools.find(aside->pool, aside->handler);
    if (!route) {
        return tl::unexpected<ErrorReply>(route.error());
    }
    const Submitter owner{.session = session.id(), .uid = aside->uid};
    const auto room = admission_.judge(owner, load_of(aside->submission));
    if (!room) {
        return tl::unexpected<ErrorReply>(room.error());
    }
    SetAside::Job taken = std::move(*set_aside_.take(job));
    taken.submission.pool = route->pool;
    taken.submission.handler = route->handler;
    const JobId again = next_job();
    submit(owner, again, Tag{}, std::move(taken.submission));
    return again;
}

tl::expected<std::vector<UnreadEvent>, ErrorReply> JobDesk::wait(const ClientSession& session,
                                                                 Tag tag, JobId job)
{
    const JobRecord* record = find(job, session.identity());
    if (record != nullptr && !record->submission.detached) {
        return refuse(
            error_code::not_found,
            "job " + std::to_string(number(job)) + " is not detached: its own client reads it",
            "job");
    }
    const Reader reader{.session = session.id(), .tag = tag};
    auto events = record != nullptr ? unread_.attach_unfinished(job, record->uid, reader)
                                    : unread_.attach(job, session.identity(), reader);
    if (!events && events.error().code == error_code::not_found && record == nullptr) {
        if (const auto end = recent_end(job, session.identity())) {
            events.error().text = "job " + std::to_string(number(job)) + " " +
                                  std::string{name_of(*end)} + ", and its result was read";
        }
    }
    return events;
}

std::optional<Reader> JobDesk::reader_of(const JobRecord& record) const
{
    if (record.submission.detached) {
        return unread_.reader(record.id);
    }
    return Reader{.session = record.session, .tag = record.tag};
}

void JobDesk::session_drained(SessionId id)
{
    const ClientSession* session = outside_.session(id);
    std::vector<JobId> go_on;
    for (auto entry = paused_.begin(); entry != paused_.end();) {
        const auto& [worker, by] = *entry;
        if (by.session != id || (session != nullptr && session->congested(by.tag))) {
            ++entry;
            continue;
        }
        outside_.pause(worker, false);
        if (by.told) {
            go_on.push_back(by.job);
        }
        entry = paused_.erase(entry);
    }
    for (const JobId job : go_on) {
        outside_.post(core::JobPaused{.job = job, .paused = false});
    }
}

void JobDesk::session_behind(SessionId session, bool behind)
{
    outside_.post(core::SessionBehind{.session = session, .behind = behind});
}

std::optional<JobState> JobDesk::recent_end(JobId job, const Identity& client) const
{
    const auto found = std::find_if(recent_.begin(), recent_.end(), [&](const Ended& each) {
        return each.job == job && client.may_touch(each.uid);
    });
    return found == recent_.end() ? std::nullopt : std::optional{found->state};
}

std::pair<Array, std::size_t> JobDesk::list(const Identity& client,
                                            const std::vector<JobId>& wanted) const
{
    return report_jobs({.records = records_,
                        .unread = unread_,
                        .core = outside_.core,
                        .pools = outside_.pools,
                        .batches = batches_,
                        .now = outside_.now()},
                       client, wanted);
}

}  // namespace jobmill::daemon
