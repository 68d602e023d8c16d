// SPDX-License-Identifier: MIT
#include "daemon/admission.hpp"

#include <utility>

#include "common/assert.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {
namespace {

[[gnu::cold]] tl::unexpected<ErrorReply> busy(const std::string& what, const char* key,
                                              const char* field, std::uint64_t limit)
{
    return refuse_busy(what + "; the limit (" + key + ") is " + std::to_string(limit),
                       retry_soon_ms, field, limit);
}

bool full(std::uint64_t taken, std::uint64_t more, std::uint64_t limit)
{
    return taken > limit || more > limit - taken;
}

/// A payload may be above the limit when it is alone.
bool full_of_bytes(const JobLoad& taken, const JobLoad& more, std::uint64_t limit)
{
    return taken.bytes > 0 && full(taken.bytes, more.bytes, limit);
}

template <typename Key>
const JobLoad& load_of(const tsl::robin_map<Key, JobLoad>& loads, Key key)
{
    static constexpr JobLoad nothing;
    const auto found = loads.find(key);
    return found == loads.end() ? nothing : found->second;
}

void add(JobLoad& to, const JobLoad& load)
{
    to.jobs += load.jobs;
    to.bytes += load.bytes;
    to.blobs += load.blobs;
}

void subtract(JobLoad& from, const JobLoad& load)
{
    JOBMILL_ASSERT(from.jobs >= load.jobs && from.bytes >= load.bytes && from.blobs >= load.blobs);
    from.jobs -= load.jobs;
    from.bytes -= load.bytes;
    from.blobs -= load.blobs;
}

template <typename Key>
void subtract(tsl::robin_map<Key, JobLoad>& loads, Key key, const JobLoad& load)
{
    const auto found = loads.find(key);
    JOBMILL_ASSERT(found != loads.end());
    JobLoad& of_key = found.value();
    subtract(of_key, load);
    if (of_key.jobs == 0 && of_key.bytes == 0 && of_key.blobs == 0) {
        loads.erase(found);
    }
}

}  // namespace

tl::expected<void, ErrorReply> Admission::judge_size(std::uint64_t size) const
{
    if (size > limits_.payload) {
        return refuse(error_code::too_large,
                      "a payload of " + std::to_string(size) + " bytes; the limit is " +
                          std::to_string(limits_.payload),
                      "size", limits_.payload);
    }
    return {};
}

tl::expected<void, ErrorReply> Admission::judge(const Submitter& client, const JobLoad& more) const
{
    // The narrowest first: who is at his own limit is told so, not that the daemon is full.
    const JobLoad& user = of(client.uid);
    if (full(of(client.session).jobs, more.jobs, limits_.jobs_per_session)) {
        return busy("this session has too many unfinished jobs", "max_jobs_per_session", "",
                    limits_.jobs_per_session);
    }
    if (full(user.jobs, more.jobs, limits_.jobs_per_user)) {
        return busy("this user has too many unfinished jobs", "max_jobs_per_user", "",
                    limits_.jobs_per_user);
    }
    if (full_of_bytes(user, more, limits_.bytes_per_user)) {
        return busy("this user has too many payload bytes queued", "max_bytes_per_user", "size",
                    limits_.bytes_per_user);
    }
    if (more.blobs > 0 && full(user.blobs, more.blobs, limits_.blobs_per_user)) {
        return busy("this user's large payloads take too many descriptors",
                    "a quarter of what the process may have", "payload", limits_.blobs_per_user);
    }
    if (full(all_.jobs, more.jobs, limits_.jobs)) {
        return busy("the queue is full", "max_jobs", "", limits_.jobs);
    }
    if (full_of_bytes(all_, more, limits_.bytes)) {
        return busy("too many payload bytes are queued", "max_bytes", "size", limits_.bytes);
    }
    return {};
}

bool Admission::has_room(const Submitter& client, const JobLoad& all) const
{
    const JobLoad& user = of(client.uid);
    return !full(of(client.session).jobs, all.jobs, limits_.jobs_per_session) &&
           !full(user.jobs, all.jobs, limits_.jobs_per_user) &&
           !full(user.bytes, all.bytes, limits_.bytes_per_user) &&
           !full(user.blobs, all.blobs, limits_.blobs_per_user) &&
           !full(all_.jobs, all.jobs, limits_.jobs) && !full(all_.bytes, all.bytes, limits_.bytes);
}

void Admission::enter(const Submitter& client, const JobLoad& load)
{
    add(all_, load);
    add(users_[client.uid], load);
    add(sessions_[client.session], load);
}

void Admission::leave(const Submitter& client, const JobLoad& load)
{
    subtract(all_, load);
    subtract(users_, client.uid, load);
    subtract(sessions_, client.session, load);
}

const JobLoad& Admission::of(unsigned uid) const
{
    return load_of(users_, uid);
}

const JobLoad& Admission::of(SessionId session) const
{
    return load_of(sessions_, session);
}

Admission::Place::Place(Admission& admission, const Submitter& client, const JobLoad& load)
    : admission_(&admission), client_(client), load_(load)
{
    admission.enter(client, load);
}

Admission::Place::Place(Place&& other) noexcept
    : admission_(std::exchange(other.admission_, nullptr)),
      client_(other.client_),
      load_(other.load_)
{
}

Admission::Place& Admission::Place::operator=(Place&& other) noexcept
{
    std::swap(admission_, other.admission_);
    std::swap(client_, other.client_);
    std::swap(load_, other.load_);
    return *this;
}

Admission::Place::~Place()
{
    if (admission_ != nullptr) {
        admission_->leave(client_, load_);
    }
}

}  // namespace jobmill::daemon
