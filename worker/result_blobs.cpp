// SPDX-License-Identifier: MIT
#include "worker/result_blobs.hpp"

#include <algorithm>
#include <utility>

#include "common/blob.hpp"

namespace jobmill {

Result<ResultBlobs::Room> ResultBlobs::take(std::uint64_t size, std::uint32_t user)
{
    auto best = kept_.end();
    for (auto each = kept_.begin(); each != kept_.end(); ++each) {
        const std::uint64_t room = each->room.size;
        if (each->free && each->user == user && blob_fits(room, size) &&
            (best == kept_.end() || room <= best->room.size)) {
            best = each;
        }
    }
    if (best == kept_.end()) {
        JOBMILL_TRY_ASSIGN(UniqueFd blob, make_blob(size));
        return Room{.blob = std::move(blob), .size = size};
    }
    Room room = std::move(best->room);
    room.used = true;
    kept_.erase(best);
    return room;
}

void ResultBlobs::sent(Room room, JobId job, std::uint32_t user, std::uint64_t now)
{
    kept_.push_back({.room = std::move(room), .job = job, .user = user, .sent_at = now});
    trim(now);
}

void ResultBlobs::returned(JobId job)
{
    const auto found = std::find_if(kept_.begin(), kept_.end(),
                                    [job](const Kept& kept) { return kept.job == job; });
    if (found != kept_.end()) {
        found->free = true;
    }
}

void ResultBlobs::trim(std::uint64_t now)
{
    auto fits = kept_.end();
    std::uint64_t bytes = 0;
    std::size_t count = 0;
    while (fits != kept_.begin()) {
        const Kept& older = *std::prev(fits);
        bytes += older.room.size;
        if (++count > budget_.count || bytes > budget_.bytes ||
            now - older.sent_at >= budget_.age_ns) {
            break;
        }
        --fits;
    }
    kept_.erase(kept_.begin(), fits);
}

}  // namespace jobmill
