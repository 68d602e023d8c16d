// SPDX-License-Identifier: MIT
// The blobs of one client: those that it fills with payloads, again and again, for fresh memory
// costs several times what it costs to write it; and what results came in, which may be one of
// those.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/unique_fd.hpp"
#include "jobmill/blob.hpp"
#include "jobmill/ids.hpp"
#include "jobmill/result.hpp"

namespace jobmill {

/// One mapped blob.
struct BlobMemory {
    BlobMemory() = default;
    BlobMemory(const BlobMemory&) = delete;
    BlobMemory& operator=(const BlobMemory&) = delete;
    ~BlobMemory();

    UniqueFd descriptor;  ///< of one that this client has made
    dev_t device = 0;
    ino_t inode = 0;
    std::span<std::byte> bytes{};
    bool reusable = false;  ///< by this client, for another payload
};

/// The jobs whose results were given back; somebody has to tell the daemon.
using Returns = std::vector<JobId>;

class BlobPool {
public:
    /// Keeps so many bytes of what nobody uses.
    explicit BlobPool(std::size_t kept) : kept_(kept) {}

    [[nodiscard]] Result<LentBlob> lend(std::size_t size);
    /// The payload in memory of this client's; none when that is beyond what is kept, beside what
    /// is in use: descriptors and memory are not only for copies.
    [[nodiscard]] Result<std::optional<LentBlob>> copy(ByteView payload);
    /// The result of a job. When nobody holds it any more, the job is put on the list, if that is
    /// still there.
    [[nodiscard]] Result<Blob> open(const UniqueFd& descriptor, std::uint64_t size, JobId job,
                                    const std::shared_ptr<Returns>& returns);
    /// Somebody may still read it when this client has forgotten it.
    static void give_away(BlobMemory& memory) noexcept { memory.reusable = false; }

private:
    using Memory = std::shared_ptr<BlobMemory>;

    void trim();

    std::size_t kept_;
    std::vector<Memory> all_;  ///< the least recently used first
};

}  // namespace jobmill
