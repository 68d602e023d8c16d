// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <tsl/robin_map.h>

#include "common/assert.hpp"
#include "daemon/core/slab.hpp"
#include "daemon/job_record.hpp"

namespace jobmill::daemon {

/// The unfinished jobs by number, and those of each user from the oldest to the youngest: what one
/// user asks for costs nothing for the jobs of others.
class JobRecords {
public:
    JobRecords();

    /// Numbers rise from one to the next.
    void add(JobRecord record);
    /// Removes it.
    [[nodiscard]] JobRecord take(JobId job);

    [[nodiscard]] JobRecord& at(JobId job) { return slab_[known(job)].record; }
    [[nodiscard]] const JobRecord& at(JobId job) const { return slab_[known(job)].record; }
    /// Null when there is none.
    [[nodiscard]] JobRecord* find(JobId job);
    [[nodiscard]] const JobRecord* find(JobId job) const;
    [[nodiscard]] bool contains(JobId job) const { return place_of(job) != none; }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
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
        for (const Place place : index_) {
            if (place != none) {
                visit(slab_[place].record);
            }
        }
    }

private:
    using Place = std::uint32_t;
    static constexpr Place none = UINT32_MAX;

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
    [[nodiscard]] std::size_t home_of(JobId job) const;
    [[nodiscard]] std::size_t after(std::size_t at) const { return (at + 1) & (index_.size() - 1); }
    void enter(Place place);
    void strike(Place place);
    void resize_index(std::size_t size);

    core::Slab<Node> slab_;
    /// Open addressing with linear probing, at most half full.
    std::vector<Place> index_;
    std::size_t size_ = 0;
    tsl::robin_map<unsigned, User> users_;  ///< that have jobs
};

}  // namespace jobmill::daemon
