// SPDX-License-Identifier: MIT
// What all histories say, job by job and session by session, however it is spread over clients.
// Gathers; judges nothing but what cannot be said at all.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tests/chaos/history.hpp"

namespace jobmill::chaos {

inline constexpr std::uint64_t no_job = 0;

struct SessionLife {
    std::string id;
    bool killed = false;    ///< its client was, so it may stop anywhere
    bool vanished = false;  ///< dropped on purpose
    bool ended = false;     ///< and so everything in it has to be settled
    std::string fault;      ///< why it broke
};

/// A terminal event.
struct Ending {
    std::int64_t at = 0;
    std::string state;
    std::string digest;
    std::string chunks;
    std::string kind;
    std::string signal;
    std::string text;
    std::string workers;  ///< the slots of its attempts, each with a comma after it
    std::uint64_t attempt = 1;
    std::uint64_t kills = 0;  ///< attempts before, of which each died of SIGKILL
    bool poison = false;
};

struct JobLife {
    Record submit;
    std::size_t session = 0;
    unsigned accepted = 0;
    std::uint64_t number = no_job;
    std::string refused;  ///< the code
    std::int64_t refused_at = 0;
    std::vector<Ending> endings;
    unsigned early = 0;       ///< events before it was accepted
    unsigned late = 0;        ///< events after its end
    bool own_events = false;  ///< its own session heard some
    unsigned waits = 0;       ///< that were not refused
    bool lost_wait = false;   ///< somebody may have read its end and not lived to tell
    std::int64_t cancel = 0;  ///< when it was asked first, by its tag

    [[nodiscard]] bool is(std::string_view fact) const { return submit.number(fact) != 0; }
    [[nodiscard]] std::string_view want() const { return submit.text("want"); }
    [[nodiscard]] bool known() const { return accepted > 0 || number != no_job; }
};

/// "job 1-0.2.3 (sum, number 17, submitted at 1234)"
[[nodiscard]] std::string name_of(const JobLife& job);

class HistoryBook {
public:
    /// The records that follow are of a client that was killed, or not.
    void client(bool killed) { client_killed_ = killed; }
    void add(const Record& record);
    /// After the last: what waits have read is put to the jobs that they were for.
    void settle_waits();

    [[nodiscard]] const std::vector<SessionLife>& sessions() const noexcept { return sessions_; }
    [[nodiscard]] const std::vector<JobLife>& jobs() const noexcept { return jobs_; }
    /// Whether a cancel was asked that explains that the job ended then.
    [[nodiscard]] bool cancel_asked(const JobLife& job, std::int64_t end) const;
    /// Whether its batch may give up.
    [[nodiscard]] bool may_halt(const JobLife& job) const;
    /// Jobs of which status tells the number, and no history a name.
    [[nodiscard]] std::size_t orphans() const;
    /// What no daemon may say, and no history either.
    [[nodiscard]] const std::vector<std::string>& faults() const noexcept { return faults_; }

private:
    struct Wait {
        std::size_t session = 0;
        std::uint64_t number = no_job;
        std::vector<Ending> endings;
        unsigned late = 0;
        bool refused = false;
    };

    void add_submit(const Record& record);
    void add_accepted(const Record& record);
    void add_refused(const Record& record);
    void add_event(const Record& record);
    void add_found(const Record& record);
    bool add_request(const Record& record);
    void settle(const std::string& id, const Wait& wait);
    /// Null, and a fault, when nobody has submitted it.
    [[nodiscard]] JobLife* job_of(const Record& record);

    bool client_killed_ = false;
    std::vector<SessionLife> sessions_;
    std::vector<JobLife> jobs_;
    std::unordered_map<std::string, std::size_t> by_id_;
    std::unordered_map<std::uint64_t, std::size_t> by_number_;
    std::unordered_set<std::uint64_t> found_;  ///< without a name
    std::unordered_map<std::string, Wait> waits_;
    std::unordered_map<std::uint64_t, std::int64_t> job_cancels_;
    std::unordered_map<std::string, std::int64_t> batch_cancels_;
    std::vector<std::int64_t> all_cancels_;
    std::unordered_set<std::string> halting_batches_;
    std::vector<std::string> faults_;
};

/// From a cancel of everything, or from the kill of a template, to what it explains: a client may
/// be stopped between noting what it asks and asking it.
inline constexpr std::int64_t slack = 2'000'000'000;

/// Whether one of these times is in that span.
[[nodiscard]] bool any_between(const std::vector<std::int64_t>& times, std::int64_t from,
                               std::int64_t to);

}  // namespace jobmill::chaos
