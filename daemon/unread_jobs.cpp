// SPDX-License-Identifier: MIT
#include "daemon/unread_jobs.hpp"

#include <algorithm>
#include <utility>

#include "common/quantities.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {
namespace {

/// Sentences about dropped events that are kept.
constexpr std::size_t remembered = 4096;

/// What an event costs, so that a million empty ones are not free, nor long causes of failures.
std::uint64_t cost_of(const UnreadEvent& event)
{
    constexpr std::uint64_t entries = 256;  // in the tables below, roughly
    std::uint64_t cost = sizeof event + entries + event.payload.size;
    if (const auto* result = std::get_if<JobResult>(&event.head)) {
        const Cause& cause = result->cause;
        cost += cause.text.size() + cause.stderr_tail.size() + cause.last_words.size() +
                cause.stack.size() + memory_of(result->attempts);
    }
    return cost;
}

std::string mebibytes(std::uint64_t bytes)
{
    return std::to_string(bytes >> 20U) + " MiB";
}

}  // namespace

UnreadJobs::Unread& UnreadJobs::opened(JobId job, unsigned uid)
{
    Unread& unread = jobs_[number(job)];
    unread.uid = uid;
    return unread;
}

void UnreadJobs::keep(Unread& unread, UnreadEvent event)
{
    charge(unread, cost_of(event));
    unread.events.push_back(std::move(event));
}

void UnreadJobs::charge(Unread& unread, std::uint64_t bytes)
{
    unread.bytes += bytes;
    users_[unread.uid].bytes += bytes;
    bytes_ += bytes;
}

void UnreadJobs::release(Unread& unread)
{
    const auto user = users_.find(unread.uid);
    if (user != users_.end()) {
        user->second.bytes -= unread.bytes;
        bytes_ -= unread.bytes;
        if (user->second.bytes == 0 && user->second.finished.empty()) {
            users_.erase(user);
        }
    }
    unread.bytes = 0;
    unread.events.clear();
}

void UnreadJobs::erase(JobId job)
{
    const auto found = jobs_.find(number(job));
    Unread& unread = found->second;
    if (unread.turn != 0) {
        finished_.erase(unread.turn);
        users_.at(unread.uid).finished.erase(unread.turn);
    }
    release(unread);
    if (unread.reader) {
        const auto read = read_by_.find(unread.reader->session);
        read->second.erase(job);
        if (read->second.empty()) {
            read_by_.erase(read);
        }
    }
    jobs_.erase(found);
}

void UnreadJobs::add_chunk(unsigned uid, const Chunk& head, Payload payload)
{
    Unread& unread = opened(head.job, uid);
    if (!unread.overflow.empty()) {
        return;
    }
    Chunk kept = head;
    kept.payload = {};
    keep(unread, UnreadEvent{.head = kept, .payload = std::move(payload)});
    make_room(uid, head.job);
}

void UnreadJobs::add_result(unsigned uid, const JobResult& head, Payload payload,
                            core::TimePoint now)
{
    const JobId job = head.job;
    Unread& unread = opened(job, uid);
    unread.state = head.state;
    unread.finished = now;
    JobResult kept = head;
    kept.payload = {};
    keep(unread, UnreadEvent{.head = std::move(kept), .payload = std::move(payload)});
    unread.turn = ++last_turn_;
    finished_.emplace(unread.turn, job);
    users_[uid].finished.emplace(unread.turn, job);
    if (!unread.overflow.empty()) {
        drop(job, std::string{unread.overflow});
        return;
    }
    make_room(uid, job);
}

void UnreadJobs::make_room(unsigned uid, JobId but_not)
{
    const auto too_much = [&] {
        const auto user = users_.find(uid);
        return user != users_.end() && user->second.bytes > limits_.bytes_per_user;
    };
    const std::string of_user = mebibytes(limits_.bytes_per_user) + " kept for a user";
    const std::string of_all = mebibytes(limits_.bytes) + " kept for all users";
    const std::string why = "newer unread results needed the ";
    while (too_much() && drop_oldest(uid, but_not, why + of_user)) {
    }
    while (bytes_ > limits_.bytes && drop_oldest(hoarder(but_not), but_not, why + of_all)) {
    }
    if (!too_much() && bytes_ <= limits_.bytes) {
        return;
    }
    Unread& unread = jobs_.at(number(but_not));
    const bool alone = too_much() && unread.bytes > limits_.bytes_per_user;
    const std::string overflow = std::string{"its output was more than "} +
                                 (alone ? "the " : "was left of the ") +
                                 (too_much() ? of_user : of_all);
    if (unread.state) {
        drop(but_not, overflow);
    } else {
        release(unread);
        unread.overflow = overflow;
    }
}

/// The user who has most, of those who have a finished job to lose.
std::optional<unsigned> UnreadJobs::hoarder(JobId but_not) const
{
    std::optional<unsigned> most;
    for (const auto& [uid, user] : users_) {
        // The spared one is the youngest, if it is finished.
        const bool can_lose = !user.finished.empty() && user.finished.begin()->second != but_not;
        if (can_lose && (!most || user.bytes > users_.at(*most).bytes)) {
            most = uid;
        }
    }
    return most;
}

/// False when there is none.
bool UnreadJobs::drop_oldest(std::optional<unsigned> uid, JobId but_not, const std::string& why)
{
    const auto user = uid ? users_.find(*uid) : users_.end();
    if (user == users_.end()) {
        return false;
    }
    const Finished& finished = user->second.finished;
    if (finished.empty() || finished.begin()->second == but_not) {
        return false;
    }
    drop(JobId{finished.begin()->second}, why);
    return true;
}

void UnreadJobs::drop(JobId job, const std::string& why)
{
    const auto found = jobs_.find(number(job));
    Unread& unread = found->second;
    std::string text = "job " + std::to_string(number(job)) + " ";
    text += unread.state ? name_of(*unread.state) : "ended";
    remember_gone(job, unread.uid, text + ", but its unread result was dropped: " + why);
    erase(job);
}

void UnreadJobs::remember_gone(JobId job, unsigned uid, std::string text)
{
    gone_.push_back(Gone{.job = job, .uid = uid, .text = std::move(text)});
    if (gone_.size() > remembered) {
        gone_.pop_front();
    }
}

tl::expected<std::vector<UnreadEvent>, ErrorReply> UnreadJobs::attach(JobId job,
                                                                      const Identity& client,
                                                                      Reader reader)
{
    const auto found = jobs_.find(number(job));
    if (found == jobs_.end() || !client.may_touch(found->second.uid)) {
        const auto gone = std::find_if(gone_.begin(), gone_.end(), [&](const Gone& each) {
            return each.job == job && client.may_touch(each.uid);
        });
        if (gone != gone_.end()) {
            return refuse(error_code::gone, gone->text, "job");
        }
        return refuse(error_code::not_found,
                      "no detached job " + std::to_string(number(job)) + " with unread events",
                      "job");
    }
    return hand_over(job, found->second, reader);
}

tl::expected<std::vector<UnreadEvent>, ErrorReply> UnreadJobs::attach_unfinished(JobId job,
                                                                                 unsigned owner,
                                                                                 Reader reader)
{
    const Unread& unread = opened(job, owner);
    if (!unread.overflow.empty()) {
        const std::string why = unread.overflow;
        erase(job);
        return refuse(error_code::gone,
                      "what job " + std::to_string(number(job)) + " has said so far was dropped: " +
                          why + "; who waits again gets the rest",
                      "job");
    }
    return hand_over(job, opened(job, owner), reader);
}

tl::expected<std::vector<UnreadEvent>, ErrorReply> UnreadJobs::hand_over(JobId job, Unread& unread,
                                                                         Reader reader)
{
    if (unread.reader) {
        return refuse_busy("another session reads this job", retry_later_ms, "job");
    }
    std::vector<UnreadEvent> events = std::move(unread.events);
    const bool finished = unread.state.has_value();
    release(unread);
    unread.reader = reader;
    read_by_[reader.session].insert(job);
    if (finished) {
        forget(job);
    }
    return events;
}

std::uint64_t UnreadJobs::bytes_for(JobId job, const Identity& client) const
{
    const auto found = jobs_.find(number(job));
    return found == jobs_.end() || !client.may_touch(found->second.uid) ? 0 : found->second.bytes;
}

std::optional<Reader> UnreadJobs::reader(JobId job) const
{
    const auto found = jobs_.find(number(job));
    return found == jobs_.end() ? std::nullopt : found->second.reader;
}

void UnreadJobs::detach(SessionId session)
{
    const auto read = read_by_.find(session);
    if (read == read_by_.end()) {
        return;
    }
    for (const JobId job : read->second) {
        const auto entry = jobs_.find(number(job));
        jobs_.erase(entry);  // what it had said was read, or told to be gone
    }
    read_by_.erase(read);
}

void UnreadJobs::forget(JobId job)
{
    if (jobs_.contains(number(job))) {
        erase(job);
    }
}

void UnreadJobs::expire(core::TimePoint now)
{
    while (!finished_.empty()) {
        const JobId oldest = finished_.begin()->second;
        if (jobs_.at(number(oldest)).finished + limits_.age > now) {
            break;
        }
        drop(oldest,
             "nobody read it for " +
                 duration_text(std::chrono::duration_cast<std::chrono::milliseconds>(limits_.age)));
    }
}

std::optional<core::TimePoint> UnreadJobs::next_expiry() const
{
    if (finished_.empty()) {
        return {};
    }
    return jobs_.at(number(finished_.begin()->second)).finished + limits_.age;
}

std::vector<UnreadJobs::Listed> UnreadJobs::finished_for(const Identity& client,
                                                         std::size_t most) const
{
    std::vector<Listed> list;
    const Finished* const finished = finished_of(client);
    if (finished == nullptr) {
        return list;
    }
    for (auto at = finished->begin(); at != finished->end() && list.size() < most; ++at) {
        const Unread& unread = jobs_.at(number(at->second));
        list.push_back(Listed{.job = at->second, .uid = unread.uid, .state = *unread.state});
    }
    return list;
}

std::size_t UnreadJobs::count_for(const Identity& client) const
{
    const Finished* const finished = finished_of(client);
    return finished == nullptr ? 0 : finished->size();
}

std::optional<UnreadJobs::Listed> UnreadJobs::finished_for(const Identity& client, JobId job) const
{
    const auto found = jobs_.find(number(job));
    if (found == jobs_.end() || !found->second.state || !client.may_touch(found->second.uid)) {
        return {};
    }
    return Listed{.job = job, .uid = found->second.uid, .state = *found->second.state};
}

/// Null: there are none.
const UnreadJobs::Finished* UnreadJobs::finished_of(const Identity& client) const
{
    const auto user = users_.find(client.uid);
    return client.admin ? &finished_ : user == users_.end() ? nullptr : &user->second.finished;
}

}  // namespace jobmill::daemon
