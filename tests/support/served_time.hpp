// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <vector>

#include "tests/support/pretend_job.hpp"

namespace jobmill::sim {

/// The CPU time that users, and the sessions of each, have had while all of them had jobs queued:
/// it must not drift apart. Kept only in worlds where nothing but fairness decides.
class ServedTime {
public:
    /// One job more or less of that session is queued.
    void queued(const PretendJob& job, int change)
    {
        Entry& entry = entry_of(job.session, job.user);
        const bool before = entry.competes();
        entry.queued += change;
        if (before != entry.competes()) {
            begin_anew();
        }
    }
    /// Of that session no job may begin, or some may again.
    void stops(SessionId session, bool stopped)
    {
        for (Entry& entry : entries_) {
            if (entry.session == session) {
                entry.stopped = stopped;
                begin_anew();
            }
        }
    }
    void spent(const PretendJob& job, double cost)
    {
        entry_of(job.session, job.user).spent += cost;
        dearest_ = std::max(dearest_, cost);
    }
    /// Whether those who have jobs queued have had the same, but for so many jobs.
    [[nodiscard]] bool fair(std::uint64_t jobs) const
    {
        const double bound = static_cast<double>(jobs) * dearest_;
        std::vector<Entry> users;
        for (const Entry& each : entries_) {
            if (!each.competes()) {
                continue;
            }
            for (const Entry& other : entries_) {
                if (other.competes() && other.user == each.user &&
                    each.spent > other.spent + bound) {
                    return false;
                }
            }
            auto user = std::find_if(users.begin(), users.end(),
                                     [&](const Entry& known) { return known.user == each.user; });
            user = user == users.end() ? users.insert(user, Entry{.user = each.user}) : user;
            user->spent += each.spent;
        }
        const auto [least, most] = std::minmax_element(
            users.begin(), users.end(),
            [](const Entry& one, const Entry& other) { return one.spent < other.spent; });
        return users.empty() || most->spent <= least->spent + bound;
    }

private:
    struct Entry {
        UserId user{};
        SessionId session{};
        int queued = 0;
        bool stopped = false;
        double spent = 0;

        [[nodiscard]] bool competes() const { return queued > 0 && !stopped; }
    };

    Entry& entry_of(SessionId session, UserId user)
    {
        for (Entry& entry : entries_) {
            if (entry.session == session) {
                return entry;
            }
        }
        return entries_.emplace_back(Entry{.user = user, .session = session});
    }
    /// Somebody comes or goes.
    void begin_anew()
    {
        for (Entry& each : entries_) {
            each.spent = 0;
        }
    }

    std::vector<Entry> entries_;
    double dearest_ = 1e6;  ///< nanoseconds; what a job is expected to take before any was seen
};

}  // namespace jobmill::sim
