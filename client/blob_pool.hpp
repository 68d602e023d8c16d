// SPDX-License-Identifier: MIT
// The blobs of one client: those that it fills with payloads, again and again, for fresh memory
// costs several times what it costs to write it; and what results came in, which may be one of
// those.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "common/unique_fd.hpp"
#include "jobmill/blob.hpp"
#include "jobmill/ids.hpp"
#include "jobmill/result.hpp"

namespace jobmill {

/// One mapped blob; or, where there is no descriptor for one, memory that goes out in pieces.
struct BlobMemory {
    BlobMemory() = default;
    BlobMemory(const BlobMemory&) = delete;
    BlobMemory& operator=(const BlobMemory&) = delete;
    ~BlobMemory();

    UniqueFd descriptor;  ///< of a blob that this client has made
    dev_t device = 0;
    ino_t inode = 0;
    std::unique_ptr<std::byte[]> heap;  ///< instead of a blob
    std::span<std::byte> bytes{};
    bool reusable = false;  ///< by this client, for another payload
};

/// The jobs whose results were given back, by any thread; somebody has to tell the daemon.
class Returns {
public:
    void add(JobId job)
    {
        const std::lock_guard lock{mutex_};
        jobs_.push_back(job);
        any_.store(true, std::memory_order_relaxed);
    }
    /// What another thread adds is seen soon, not at once.
    [[nodiscard]] bool empty() const noexcept { return !any_.load(std::memory_order_relaxed); }
    /// Empties it, after `take` was called with each.
    template <typename Take>
    void take_all(Take take)
    {
        const std::lock_guard lock{mutex_};
        for (const JobId job : jobs_) {
            take(job);
        }
        jobs_.clear();
        any_.store(false, std::memory_order_relaxed);
    }

private:
    std::mutex mutex_;
    std::vector<JobId> jobs_;
    std::atomic<bool> any_ = false;  ///< for who has none, and asks often
};

class BlobPool {
public:
    /// Keeps so many bytes of what nobody uses. Where no blob can be sent, `shared` is false.
    BlobPool(std::size_t kept, bool shared) : kept_(kept), shared_(shared) {}

    /// A blob, or, where it cannot be sent or there is no descriptor, memory of this process alone.
    [[nodiscard]] Result<LentBlob> lend(std::size_t size);
    /// The payload in memory of this client's; none when that is beyond what is kept, beside what
    /// is in use. Nothing else is a reason: who was told that it is copied may free it.
    [[nodiscard]] Result<std::optional<LentBlob>> copy(ByteView payload);
    /// The result of a job, which has that size: an error is lack of memory. When nobody holds it
    /// any more, the job is put on the list, if that is still there.
    [[nodiscard]] Result<Blob> open(const UniqueFd& descriptor, std::uint64_t size, JobId job,
                                    const std::shared_ptr<Returns>& returns);
    /// Somebody may still read it when this client has forgotten it.
    static void give_away(BlobMemory& memory) noexcept { memory.reusable = false; }
    /// Gives back what nobody uses, beyond what is kept, and what is nobody's any more.
    void trim();

private:
    using Memory = std::shared_ptr<BlobMemory>;

    [[nodiscard]] Result<Memory> find_or_make(std::size_t size);
    [[nodiscard]] Result<LentBlob> lend_heap(std::size_t size);
    [[nodiscard]] std::size_t in_use();

    std::size_t kept_;
    bool shared_;
    std::vector<Memory> all_;  ///< the least recently used first
    std::vector<std::weak_ptr<BlobMemory>> heap_;
};

}  // namespace jobmill
