// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "daemon/core/event.hpp"
#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

/// The labels that have rules, and how many of their jobs run.
class LabelBook {
public:
    void adjust(const LabelAdjusted& rule)
    {
        Entry& entry = at(rule.label);
        entry.max_running = rule.max_running;
        entry.weight = rule.weight;
    }
    [[nodiscard]] bool may_run(LabelId label) const
    {
        if (number(label) >= entries_.size()) {
            return true;
        }
        const Entry& entry = entries_[number(label)];
        return entry.running - (JOBMILL_BUG(27) ? 0 : entry.lent) < entry.max_running;
    }
    /// Of so many jobs, of each label so many by its number, how many may begin together.
    [[nodiscard]] std::size_t startable(std::size_t jobs,
                                        const std::vector<std::uint32_t>& by_label) const
    {
        for (std::size_t i = 0; i < std::min(by_label.size(), entries_.size()); ++i) {
            const Entry& entry = entries_[i];
            const std::uint32_t working = entry.running - entry.lent;
            const std::uint32_t room = entry.max_running - std::min(entry.max_running, working);
            jobs -= by_label[i] - std::min(by_label[i], room);
        }
        return jobs;
    }
    [[nodiscard]] std::uint32_t weight(LabelId label) const
    {
        return number(label) < entries_.size() ? entries_[number(label)].weight : usual_weight;
    }
    [[nodiscard]] std::uint32_t running(LabelId label) const
    {
        return number(label) < entries_.size() ? entries_[number(label)].running : 0;
    }
    /// Whether some label may stop one pool for what runs in another.
    [[nodiscard]] bool any() const { return entries_.size() > 1; }
    void begun(LabelId label) { ++at(label).running; }
    /// One of those that run waits for its own jobs, or no longer: meanwhile it is not in the way
    /// of others, which may be those that it waits for.
    void lends(LabelId label) { ++at(label).lent; }
    void goes_on(LabelId label) { --at(label).lent; }
    /// One of those that run belongs to another label from now on.
    void moved(LabelId from, LabelId to, bool lent)
    {
        --at(from).running;
        ++at(to).running;
        if (lent) {
            goes_on(from);
            lends(to);
        }
    }
    void over(LabelId label)
    {
        at(label).running -= JOBMILL_BUG(5) && running(label) > 1 ? 2U : 1U;
    }

private:
    struct Entry {
        std::uint32_t max_running = no_bound;
        std::uint32_t weight = usual_weight;
        std::uint32_t running = 0;
        std::uint32_t lent = 0;  ///< of those that run, so many wait for their own jobs
    };

    Entry& at(LabelId label)
    {
        if (number(label) >= entries_.size()) {
            entries_.resize(std::size_t{number(label)} + 1);
        }
        return entries_[number(label)];
    }

    std::vector<Entry> entries_;
};

}  // namespace jobmill::core
