// SPDX-License-Identifier: MIT
#pragma once

#include <unordered_map>

#include "common/assert.hpp"
#include "daemon/job_record.hpp"

namespace jobmill::daemon {

/// The unfinished jobs by number, and those of each user from the oldest to the youngest: what one
/// user asks for costs nothing for the jobs of others.
class JobRecords {
public:
    /// Numbers rise from one to the next.
    void add(JobRecord record);
    /// Removes it.
    [[nodiscard]] JobRecord take(JobId job);

    [[nodiscard]] JobRecord& at(JobId job) { return nodes_.at(number(job)).record; }
    [[nodiscard]] const JobRecord& at(JobId job) const { return nodes_.at(number(job)).record; }
    /// The record if it is of that user, else null.
    [[nodiscard]] JobRecord* find(JobId job, unsigned uid);
    [[nodiscard]] const JobRecord* find(JobId job, unsigned uid) const;
    [[nodiscard]] bool contains(JobId job) const { return nodes_.contains(number(job)); }
    [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
    [[nodiscard]] std::size_t count_of(unsigned uid) const;

    /// Calls visit(record) from the oldest of the user's jobs on, as long as it answers true.
    template <typename Visitor>
    void each_of(unsigned uid, Visitor visit) const
    {
        const auto user = users_.find(uid);
        const Node* node = user == users_.end() ? nullptr : user->second.oldest;
        while (node != nullptr && visit(node->record)) {
            node = node->younger;
        }
    }
    template <typename Visitor>
    void each(Visitor visit) const
    {
        for (const auto& [key, node] : nodes_) {
            visit(node.record);
        }
    }

private:
    struct Node {
        JobRecord record;
        Node* older = nullptr;
        Node* younger = nullptr;
    };
    struct User {
        Node* oldest = nullptr;
        Node* youngest = nullptr;
        std::size_t count = 0;
    };

    std::unordered_map<std::uint64_t, Node> nodes_;  // whose elements stay where they are
    std::unordered_map<unsigned, User> users_;       ///< that have jobs
};

}  // namespace jobmill::daemon
