// SPDX-License-Identifier: MIT
#include "tests/chaos/history_book.hpp"

#include <algorithm>
#include <utility>

namespace jobmill::chaos {
namespace {

Ending ending_of(const Record& record)
{
    return {.at = record.at,
            .state = std::string{record.text("state")},
            .digest = std::string{record.text("digest")},
            .chunks = std::string{record.text("chunks")},
            .kind = std::string{record.text("kind")},
            .signal = std::string{record.text("signal")},
            .text = std::string{record.text("text")},
            .workers = std::string{record.text("workers")},
            .attempt = std::max<std::uint64_t>(1, record.number("attempt")),
            .kills = record.number("kills"),
            .poison = record.number("poison") != 0};
}

void keep_first(std::int64_t& when, std::int64_t at)
{
    when = when == 0 ? at : std::min(when, at);
}

/// The time of that key, or 0.
template <typename Map, typename Key>
std::int64_t time_of(const Map& map, const Key& key)
{
    const auto found = map.find(key);
    return found == map.end() ? 0 : found->second;
}

}  // namespace

std::string name_of(const JobLife& job)
{
    return "job " + job.submit.id + " (" + std::string{job.submit.text("handler")} + ", number " +
           std::to_string(job.number) + ", submitted at " + std::to_string(job.submit.at) + ")";
}

bool any_between(const std::vector<std::int64_t>& times, std::int64_t from, std::int64_t to)
{
    return std::any_of(times.begin(), times.end(),
                       [&](std::int64_t time) { return time >= from && time <= to; });
}

void HistoryBook::add(const Record& record)
{
    if (record.what == What::session) {
        sessions_.push_back({.id = record.id, .killed = client_killed_});
        return;
    }
    if (sessions_.empty()) {
        faults_.push_back("a history begins without a session: " + to_line(record));
        return;
    }
    if (add_request(record)) {
        return;
    }
    switch (record.what) {
        case What::accepted:
            return add_accepted(record);
        case What::refused:
            return add_refused(record);
        case What::found:
            return add_found(record);
        case What::vanish:
            sessions_.back().vanished = true;
            return;
        case What::end:
            sessions_.back().ended = true;
            return;
        case What::broken:
            sessions_.back().fault = record.text("text");
            return;
        case What::half_close:
            return;
        default:
            return add_event(record);
    }
}

/// What the client asked; false when the record is no such.
bool HistoryBook::add_request(const Record& record)
{
    switch (record.what) {
        case What::submit:
            add_submit(record);
            return true;
        case What::wait:
            waits_[record.id] = {.session = sessions_.size() - 1, .number = record.number("job")};
            return true;
        case What::cancel:
            if (JobLife* job = job_of(record)) {
                keep_first(job->cancel, record.at);
            }
            return true;
        case What::cancel_job:
            keep_first(job_cancels_[record.number("job")], record.at);
            return true;
        case What::cancel_batch:
            keep_first(batch_cancels_[std::string{record.text("batch")}], record.at);
            return true;
        case What::cancel_all:
            all_cancels_.push_back(record.at);
            return true;
        default:
            return false;
    }
}

JobLife* HistoryBook::job_of(const Record& record)
{
    const auto found = by_id_.find(record.id);
    if (found == by_id_.end()) {
        faults_.push_back(std::string{name_of(record.what)} + ": " + record.id +
                          ", which nobody has submitted");
        return nullptr;
    }
    return &jobs_[found->second];
}

void HistoryBook::add_submit(const Record& record)
{
    if (!by_id_.emplace(record.id, jobs_.size()).second) {
        faults_.push_back("two jobs are called " + record.id);
        return;
    }
    jobs_.push_back({.submit = record, .session = sessions_.size() - 1});
    if (!record.text("halt").empty()) {
        halting_batches_.emplace(record.text("batch"));
    }
}

void HistoryBook::add_accepted(const Record& record)
{
    JobLife* const job = job_of(record);
    if (job == nullptr) {
        return;
    }
    job->late += job->endings.empty() ? 0U : 1U;
    ++job->accepted;
    job->number = record.number("job");
    const auto self = static_cast<std::size_t>(job - jobs_.data());
    if (const auto [other, fresh] = by_number_.emplace(job->number, self);
        !fresh && other->second != self) {
        faults_.push_back(name_of(*job) + ": its number was given to job " +
                          jobs_[other->second].submit.id + " before");
    }
}

void HistoryBook::add_refused(const Record& record)
{
    if (const auto wait = waits_.find(record.id); wait != waits_.end()) {
        wait->second.refused = true;
        if (record.text("code") == "gone") {
            faults_.push_back("the events of job " + std::to_string(wait->second.number) +
                              " were dropped");
        }
    } else if (JobLife* job = job_of(record)) {
        job->refused = record.text("code");
        job->refused_at = record.at;
    }
}

void HistoryBook::add_found(const Record& record)
{
    const std::uint64_t number = record.number("job");
    if (record.id.empty()) {
        found_.insert(number);
    } else if (JobLife* job = job_of(record)) {
        job->number = number;
        by_number_[number] = static_cast<std::size_t>(job - jobs_.data());
    }
}

void HistoryBook::add_event(const Record& record)
{
    const bool terminal = record.what == What::result;
    if (const auto found = waits_.find(record.id); found != waits_.end()) {
        Wait& wait = found->second;
        wait.late += wait.endings.empty() ? 0U : 1U;
        if (terminal) {
            wait.endings.push_back(ending_of(record));
        }
        return;
    }
    JobLife* const job = job_of(record);
    if (job == nullptr) {
        return;
    }
    job->own_events = true;
    job->early += job->accepted == 0 ? 1U : 0U;
    job->late += job->endings.empty() ? 0U : 1U;
    if (terminal) {
        job->endings.push_back(ending_of(record));
        if (const std::uint64_t number = record.number("job"); number != job->number) {
            faults_.push_back(name_of(*job) + ": its result has the number " +
                              std::to_string(number));
        }
    }
}

void HistoryBook::settle_waits()
{
    for (const auto& [id, wait] : waits_) {
        settle(id, wait);
    }
}

void HistoryBook::settle(const std::string& id, const Wait& wait)
{
    const bool whole = sessions_[wait.session].ended;
    const auto found = by_number_.find(wait.number);
    if (found == by_number_.end()) {
        const bool orphan = found_.contains(wait.number);
        if (!orphan || wait.endings.size() != 1 || wait.late > 0) {
            faults_.push_back("job " + std::to_string(wait.number) + ", read by " + id +
                              (orphan ? "" : " and known to nobody") + ", has " +
                              std::to_string(wait.endings.size()) + " terminal events");
        }
        return;
    }
    JobLife& job = jobs_[found->second];
    job.late += wait.late;
    job.waits += wait.refused ? 0U : 1U;
    if (wait.endings.empty() && !wait.refused) {
        if (whole) {
            faults_.push_back(name_of(job) + ": wait " + id + " was never answered");
        }
        job.lost_wait = job.lost_wait || !whole;
    }
    job.endings.insert(job.endings.end(), wait.endings.begin(), wait.endings.end());
}

bool HistoryBook::cancel_asked(const JobLife& job, std::int64_t end) const
{
    const auto before_end = [&](std::int64_t asked) { return asked != 0 && asked <= end; };
    return before_end(job.cancel) || before_end(time_of(job_cancels_, job.number)) ||
           before_end(time_of(batch_cancels_, std::string{job.submit.text("batch")})) ||
           any_between(all_cancels_, job.submit.at - slack, end);
}

bool HistoryBook::may_halt(const JobLife& job) const
{
    return halting_batches_.contains(std::string{job.submit.text("batch")});
}

std::size_t HistoryBook::orphans() const
{
    return static_cast<std::size_t>(
        std::count_if(found_.begin(), found_.end(),
                      [&](std::uint64_t number) { return !by_number_.contains(number); }));
}

}  // namespace jobmill::chaos
