// SPDX-License-Identifier: MIT
#include "daemon/unread_jobs.hpp"

#include <algorithm>
#include <utility>

#include "daemon/refusal.hpp"

namespace jobmill::daemon {
namespace {

/// Sentences about dropped events that are kept.
constexpr std::size_t remembered = 4096;

/// What an event costs beside its payload, roughly; so that a million empty ones are not free.
constexpr std::uint64_t event_overhead = 256;

std::string mebibytes(std::uint64_t bytes)
{
    return std::to_string(bytes >> 20U) + " MiB";
}

/// As it is written in the configuration, in the largest unit that fits.
std::string duration_text(core::Duration duration)
{
    const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    for (const auto& [factor, unit] : {std::pair{3'600'000, "h"}, {60'000, "m"}, {1000, "s"}}) {
        if (count >= factor && count % factor == 0) {
            return std::to_string(count / factor) + unit;
        }
    }
    return std::to_string(count) + "ms";
}

}  // namespace

void UnreadJobs::open(JobId job, unsigned uid)
{
    jobs_.emplace(number(job), Unread{.uid = uid,
                                      .reader = {},
                                      .events = {},
                                      .bytes = 0,
                                      .state = {},
                                      .overflowed = false,
                                      .finished = {}});
}

void UnreadJobs::release(Unread& unread)
{
    bytes_by_user_[unread.uid] -= unread.bytes;
    if (bytes_by_user_[unread.uid] == 0) {
        bytes_by_user_.erase(unread.uid);
    }
    unread.bytes = 0;
    unread.events.clear();
}

void UnreadJobs::add_chunk(JobId job, const Chunk& head, Payload payload, core::TimePoint now)
{
    Unread& unread = jobs_.at(number(job));
    if (unread.overflowed) {
        return;
    }
    const std::uint64_t cost = payload.size + event_overhead;
    unread.bytes += cost;
    bytes_by_user_[unread.uid] += cost;
    Chunk kept = head;
    kept.payload = {};
    unread.events.push_back(UnreadEvent{.head = kept, .payload = std::move(payload)});
    unread.finished = now;
    make_room(unread.uid, job);
}

void UnreadJobs::add_result(JobId job, const JobResult& head, Payload payload, core::TimePoint now)
{
    Unread& unread = jobs_.at(number(job));
    unread.state = head.state;
    unread.finished = now;
    const std::uint64_t cost = payload.size + event_overhead;
    unread.bytes += cost;
    bytes_by_user_[unread.uid] += cost;
    JobResult kept = head;
    kept.payload = {};
    unread.events.push_back(UnreadEvent{.head = kept, .payload = std::move(payload)});
    finish_order_.push_back(job);
    if (unread.overflowed) {
        drop(job, "its output was more than the " + mebibytes(limits_.bytes_per_user) +
                      " kept for a user");
        return;
    }
    make_room(unread.uid, job);
}

void UnreadJobs::make_room(unsigned uid, JobId but_not)
{
    const auto too_much = [&] {
        const auto used = bytes_by_user_.find(uid);
        return used != bytes_by_user_.end() && used->second > limits_.bytes_per_user;
    };
    const std::string why =
        "newer unread results needed the " + mebibytes(limits_.bytes_per_user) + " kept for a user";
    while (too_much()) {
        const auto oldest = std::find_if(
            finish_order_.begin(), finish_order_.end(),
            [&](JobId job) { return job != but_not && jobs_.at(number(job)).uid == uid; });
        if (oldest == finish_order_.end()) {
            break;
        }
        drop(JobId{*oldest}, why);
    }
    if (!too_much()) {
        return;
    }
    Unread& unread = jobs_.at(number(but_not));
    if (unread.state) {
        drop(but_not, "its output was more than the " + mebibytes(limits_.bytes_per_user) +
                          " kept for a user");
    } else {
        release(unread);
        unread.overflowed = true;
    }
}

void UnreadJobs::drop(JobId job, const std::string& why)
{
    const auto found = jobs_.find(number(job));
    Unread& unread = found->second;
    std::string text = "job " + std::to_string(number(job)) + " ";
    text += unread.state ? name_of(*unread.state) : "ended";
    remember_gone(job, unread.uid, text + ", but its unread result was dropped: " + why);
    release(unread);
    std::erase(finish_order_, job);
    jobs_.erase(found);
}

void UnreadJobs::remember_gone(JobId job, unsigned uid, std::string text)
{
    gone_.push_back(Gone{.job = job, .uid = uid, .text = std::move(text)});
    if (gone_.size() > remembered) {
        gone_.pop_front();
    }
}

tl::expected<std::vector<UnreadEvent>, ErrorReply> UnreadJobs::attach(JobId job, unsigned uid,
                                                                      Reader reader)
{
    const auto found = jobs_.find(number(job));
    if (found == jobs_.end() || found->second.uid != uid) {
        const auto gone = std::find_if(gone_.begin(), gone_.end(), [&](const Gone& each) {
            return each.job == job && each.uid == uid;
        });
        if (gone != gone_.end()) {
            return refuse(error_code::gone, gone->text, "job");
        }
        return refuse(error_code::not_found,
                      "no detached job " + std::to_string(number(job)) + " with unread events",
                      "job");
    }
    Unread& unread = found->second;
    if (unread.reader) {
        return refuse(error_code::busy, "another session reads this job", "job");
    }
    std::vector<UnreadEvent> events{std::make_move_iterator(unread.events.begin()),
                                    std::make_move_iterator(unread.events.end())};
    const bool finished = unread.state.has_value();
    release(unread);
    unread.reader = reader;
    if (finished) {
        forget(job);
    }
    return events;
}

std::optional<Reader> UnreadJobs::reader(JobId job) const
{
    const auto found = jobs_.find(number(job));
    return found == jobs_.end() ? std::nullopt : found->second.reader;
}

void UnreadJobs::detach(SessionId session)
{
    for (auto& [job, unread] : jobs_) {
        if (unread.reader && unread.reader->session == session) {
            unread.reader.reset();
        }
    }
}

void UnreadJobs::forget(JobId job)
{
    const auto found = jobs_.find(number(job));
    if (found != jobs_.end()) {
        release(found->second);
        jobs_.erase(found);
        std::erase(finish_order_, job);
    }
}

void UnreadJobs::expire(core::TimePoint now)
{
    while (!finish_order_.empty()) {
        const JobId oldest = finish_order_.front();
        if (jobs_.at(number(oldest)).finished + limits_.age > now) {
            break;
        }
        drop(oldest, "nobody read it for " + duration_text(limits_.age));
    }
}

std::optional<core::TimePoint> UnreadJobs::next_expiry() const
{
    if (finish_order_.empty()) {
        return {};
    }
    return jobs_.at(number(finish_order_.front())).finished + limits_.age;
}

std::vector<UnreadJobs::Listed> UnreadJobs::finished_of(unsigned uid) const
{
    std::vector<Listed> list;
    for (const JobId job : finish_order_) {
        const Unread& unread = jobs_.at(number(job));
        if (unread.uid == uid) {
            list.push_back(Listed{.job = job, .state = *unread.state});
        }
    }
    return list;
}

}  // namespace jobmill::daemon
