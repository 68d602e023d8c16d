// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <tsl/robin_map.h>

#include "daemon/core/number_index.hpp"
#include "daemon/core/slab.hpp"
#include "daemon/job_record.hpp"

namespace jobmill::daemon {

/// The unfinished jobs by number, and those of each user from the oldest to the youngest: what one
/// user asks for costs nothing for the jobs of others.
class JobRecords {
public:
    /// A new one, in which nothing is filled in but what is given here. Numbers rise from one to
    /// the next.
    JobRecord& add(JobId job, unsigned uid);
    /// Removes it.
    [[nodiscard]] JobRecord take(JobId job);

    [[nodiscard]] JobRecord& at(JobId job) { return slab_[known(job)].record; }
    [[nodiscard]] const JobRecord& at(JobId job) const { return slab_[known(job)].record; }
    /// Null when there is none.
    [[nodiscard]] JobRecord* find(JobId job);
    [[nodiscard]] const JobRecord* find(JobId job) const;
    [[nodiscard]] bool contains(JobId job) const { return place_of(job) != none; }

    [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }
    [[nodiscard]] std::size_t count_of(unsigned uid) const;

    /// Calls visit(record) from the oldest of the user's jobs on, as long as it answers true.
    template <typename Visitor>
    void each_of(unsigned uid, Visitor visit) const
    {
        const auto user = users_.find(uid);
        Place at = user == users_.end() ? none : user->second.oldest;
        while (at != none && visit(slab_[at].record)) {
            at = slab_[at].younger;
        }
    }
    /// The same of all jobs.
    template <typename Visitor>
    void each_by_age(Visitor visit) const
    {
        std::vector<Place> heads;
        for (const auto& [uid, user] : users_) {
            heads.push_back(user.oldest);
        }
        while (!heads.empty()) {
            const auto oldest = std::min_element(
                heads.begin(), heads.end(), [&](const Place one, const Place other) {
                    return slab_[one].record.id < slab_[other].record.id;
                });
            if (!visit(slab_[*oldest].record)) {
                return;
            }
            *oldest = slab_[*oldest].younger;
            if (*oldest == none) {
                heads.erase(oldest);
            }
        }
    }
    /// Calls visit(record) for all of them, in no order.
    template <typename Visitor>
    void each(Visitor visit) const
    {
        index_.each([&](Place place) { visit(slab_[place].record); });
    }

private:
    using Place = core::NumberIndex::Place;
    static constexpr Place none = core::NumberIndex::none;

    struct Node {
        JobRecord record;
        Place older = none;
        Place younger = none;
    };
    struct User {
        Place oldest = none;
        Place youngest = none;
        std::size_t jobs = 0;
    };

    [[nodiscard]] Place place_of(JobId job) const;
    [[nodiscard]] Place known(JobId job) const;
    /// By which the index knows a record's place.
    [[nodiscard]] auto ids() const
    {
        return [this](Place place) { return number(slab_[place].record.id); };
    }

    core::Slab<Node, 256, core::kept_of_all_jobs> slab_;
    core::NumberIndex index_{core::NumberIndex::kept_of_one};
    tsl::robin_map<unsigned, User> users_;  ///< that have jobs
};

}  // namespace jobmill::daemon
