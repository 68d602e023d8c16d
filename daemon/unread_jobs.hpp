// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/codec.hpp"
#include "common/messages.hpp"
#include "daemon/job_record.hpp"
#include "daemon/rights.hpp"

namespace jobmill::daemon {

/// Who reads a detached job's events.
struct Reader {
    SessionId session{};
    Tag tag{};
};

/// An event of a detached job that nobody has read yet.
struct UnreadEvent {
    std::variant<Chunk, JobResult> head;
    Payload payload;
};

/// The events of detached jobs until they are read: so long, so much a user and so much in all, no
/// more. What goes unread is remembered by a sentence, so that who asks is told.
class UnreadJobs {
public:
    struct Limits {
        std::uint64_t bytes_per_user = 64ULL * 1024 * 1024;
        std::uint64_t bytes = 512ULL * 1024 * 1024;  ///< of all users
        core::Duration age = std::chrono::hours{1};
    };

    explicit UnreadJobs(Limits limits) : limits_(limits) {}

    /// Something is kept of the job: events, or who reads it. Nothing is of a job that has said
    /// nothing yet and that nobody waits for, were it one of a million in a queue.
    [[nodiscard]] bool knows(JobId job) const { return jobs_.contains(number(job)); }

    void add_chunk(unsigned uid, const Chunk& head, Payload payload);
    void add_result(unsigned uid, const JobResult& head, Payload payload, core::TimePoint now);

    /// Makes a session the job's reader and hands over what is unread. A job whose result is
    /// handed over is forgotten.
    [[nodiscard]] tl::expected<std::vector<UnreadEvent>, ErrorReply> attach(JobId job,
                                                                            const Identity& client,
                                                                            Reader reader);
    /// The same of a job that is unfinished, and that the client may touch. What it has said and is
    /// not kept is told once, as an event would be: who comes again gets what it says from then on.
    [[nodiscard]] tl::expected<std::vector<UnreadEvent>, ErrorReply> attach_unfinished(
        JobId job, unsigned owner, Reader reader);
    /// How much attach() would hand over to that client.
    [[nodiscard]] std::uint64_t bytes_for(JobId job, const Identity& client) const;
    /// The session that reads this job now; its events go there, not here.
    [[nodiscard]] std::optional<Reader> reader(JobId job) const;
    void detach(SessionId session);
    /// The job's result went to its reader.
    void forget(JobId job);
    [[nodiscard]] bool empty() const noexcept { return jobs_.empty(); }

    /// Drops what has waited too long.
    void expire(core::TimePoint now);
    /// When expire() has something to do next.
    [[nodiscard]] std::optional<core::TimePoint> next_expiry() const;
    void set_limits(const Limits& limits) { limits_ = limits; }

    struct Listed {
        JobId job{};
        unsigned uid = 0;
        JobState state{};
    };
    /// Those that the client may touch, in the order of their ends, so many at most.
    [[nodiscard]] std::vector<Listed> finished_for(const Identity& client, std::size_t most) const;
    /// How many these are.
    [[nodiscard]] std::size_t count_for(const Identity& client) const;
    /// That one, if it is one of them.
    [[nodiscard]] std::optional<Listed> finished_for(const Identity& client, JobId job) const;

private:
    struct Unread {
        unsigned uid = 0;
        std::optional<Reader> reader;
        std::vector<UnreadEvent> events;
        std::uint64_t bytes = 0;        ///< that the events take up
        std::optional<JobState> state;  ///< once it is finished
        std::uint64_t turn = 0;         ///< its place in the order of finishing, from 1
        /// Why its output is not kept: it was too much. Empty: it is kept.
        std::string overflow;
        core::TimePoint finished;
    };

    void make_room(unsigned uid, JobId but_not);
    [[nodiscard]] bool drop_oldest(std::optional<unsigned> uid, JobId but_not,
                                   const std::string& why);
    [[nodiscard]] std::optional<unsigned> hoarder(JobId but_not) const;
    void drop(JobId job, const std::string& why);
    void remember_gone(JobId job, unsigned uid, std::string text);
    void release(Unread& unread);
    void charge(Unread& unread, std::uint64_t bytes);
    Unread& opened(JobId job, unsigned uid);
    void keep(Unread& unread, UnreadEvent event);
    [[nodiscard]] tl::expected<std::vector<UnreadEvent>, ErrorReply> hand_over(JobId job,
                                                                               Unread& unread,
                                                                               Reader reader);
    void erase(JobId job);

    Limits limits_;
    std::unordered_map<std::uint64_t, Unread> jobs_;
    /// In the order in which they finished, by Unread::turn.
    using Finished = std::map<std::uint64_t, JobId>;
    [[nodiscard]] const Finished* finished_of(const Identity& client) const;
    Finished finished_;
    std::uint64_t last_turn_ = 0;
    struct User {
        std::uint64_t bytes = 0;
        Finished finished;
    };
    std::unordered_map<unsigned, User> users_;  ///< that have anything unread
    std::uint64_t bytes_ = 0;                   ///< of all of them
    /// Who waits for many, and reads them in any order, pays for each once.
    std::unordered_map<SessionId, std::unordered_set<JobId>> read_by_;

    struct Gone {
        JobId job{};
        unsigned uid = 0;
        std::string text;
    };
    std::deque<Gone> gone_;
};

}  // namespace jobmill::daemon
