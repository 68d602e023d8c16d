// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <deque>
#include <utility>

#include "daemon/core/dispatcher.hpp"
#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

/// The breaker of one pool: many workers that die within a short time, and no job that comes to an
/// end between them, are a storm. While it lasts the pool is degraded: it takes jobs and runs only
/// one now and then, to see whether it is over.
class CrashStorm {
public:
    /// A worker died that nobody had told to. True when that makes it a storm.
    bool crashed(TimePoint now, std::uint32_t workers, const Patience& patience)
    {
        exits_.push_back(now);
        while (exits_.front() < now - patience.storm) {
            exits_.pop_front();
        }
        constexpr std::uint32_t fewest = 10;
        const bool many = exits_.size() > std::max(fewest, 2 * workers);
        if (degraded_ || !many) {
            return false;
        }
        degraded_ = true;
        exits_.clear();
        return true;
    }
    /// A job has come to its end by its worker's word. True when that ends the storm.
    bool completed()
    {
        exits_.clear();
        probe_due_ = false;
        return !JOBMILL_BUG(13) && std::exchange(degraded_, false);
    }
    void allow_probe() { probe_due_ = true; }
    /// A job was offered.
    void probed() { probe_due_ = false; }

    [[nodiscard]] bool degraded() const { return degraded_; }
    [[nodiscard]] bool may_offer() const { return !degraded_ || probe_due_; }

private:
    std::deque<TimePoint> exits_;  ///< since a job was completed, and not long ago
    bool degraded_ = false;
    bool probe_due_ = false;
};

}  // namespace jobmill::core
