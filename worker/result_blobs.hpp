// SPDX-License-Identifier: MIT
// The blobs that this worker has sent results in. Fresh memory costs several times what it costs to
// write it, so a blob that its reader has given back holds a later result; of the same user only,
// for nobody can make him forget what he has mapped.
#pragma once

#include <cstdint>
#include <vector>

#include "common/unique_fd.hpp"
#include "jobmill/ids.hpp"
#include "jobmill/result.hpp"
#include "worker/mapping_cache.hpp"

namespace jobmill {

class ResultBlobs {
public:
    /// As of those that are mapped, which are the same blobs mostly.
    using Budget = MappingCache::Budget;
    /// A blob, which may be larger than the result in it.
    struct Room {
        UniqueFd blob;
        std::uint64_t size = 0;
        bool used = false;  ///< something was in it
    };

    ResultBlobs() = default;
    explicit ResultBlobs(const Budget& budget) : budget_(budget) {}

    /// Room for so many bytes, above 0, of a result for that user: what he was sent before and has
    /// returned, with whatever it held then, or a new blob.
    [[nodiscard]] Result<Room> take(std::uint64_t size, std::uint32_t user);
    /// It was sent as the result of that job. `now` is CLOCK_MONOTONIC in ns.
    void sent(Room room, JobId job, std::uint32_t user, std::uint64_t now);
    /// That job's result has no reader any more. Without effect when it is not kept.
    void returned(JobId job);
    /// Lets go of the oldest beyond the budget, and of what was sent so long ago.
    void trim(std::uint64_t now);
    void clear() { kept_.clear(); }

    [[nodiscard]] bool empty() const noexcept { return kept_.empty(); }
    [[nodiscard]] std::size_t count() const noexcept { return kept_.size(); }

private:
    struct Kept {
        Room room;
        JobId job{};
        std::uint32_t user = 0;
        bool free = false;  ///< nobody reads it
        std::uint64_t sent_at = 0;
    };

    Budget budget_;
    std::vector<Kept> kept_;  ///< the oldest first
};

}  // namespace jobmill
