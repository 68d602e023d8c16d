// SPDX-License-Identifier: MIT
#include "client/blob_pool.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>
#include <new>

#include "common/blob.hpp"

namespace jobmill {
namespace {

/// A client with as many that nobody uses has no use for more; each is a descriptor.
constexpr std::size_t most_kept = 64;

/// More than any machine has; whole pages of it can be counted.
constexpr std::size_t most_lent = std::numeric_limits<std::size_t>::max() / 4;

Result<std::shared_ptr<BlobMemory>> map(int descriptor, MapAccess access)
{
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) {
        return fail_errno("fstat of a blob", errno);
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    JOBMILL_TRY_ASSIGN(const auto bytes, map_blob(descriptor, size, access, MapPages::at_once));
    auto memory = std::make_shared<BlobMemory>();
    memory->device = status.st_dev;
    memory->inode = status.st_ino;
    memory->bytes = bytes;
    return memory;
}

std::size_t in_pages(std::size_t size)
{
    static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (std::max<std::size_t>(size, 1) + page - 1) / page * page;
}

/// What a result's reader holds.
struct Loan {
    Loan(std::shared_ptr<BlobMemory> lent, JobId of, const std::shared_ptr<Returns>& list)
        : memory(std::move(lent)), job(of), returns(list)
    {
    }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan()
    {
        if (const auto list = returns.lock()) {
            list->add(job);
        }
    }

    std::shared_ptr<BlobMemory> memory;
    JobId job;
    std::weak_ptr<Returns> returns;
};

}  // namespace

BlobMemory::~BlobMemory()
{
    if (heap == nullptr && !bytes.empty()) {
        (void)::munmap(bytes.data(), bytes.size());
    }
}

Result<BlobPool::Memory> BlobPool::find_or_make(std::size_t size)
{
    auto best = all_.end();
    for (auto each = all_.begin(); each != all_.end(); ++each) {
        const std::size_t room = (*each)->bytes.size();
        if ((*each)->reusable && each->use_count() == 1 && blob_fits(room, size) &&
            (best == all_.end() || room < (*best)->bytes.size())) {
            best = each;
        }
    }
    if (best == all_.end()) {
        JOBMILL_TRY_ASSIGN(UniqueFd made, make_blob(in_pages(size)));
        JOBMILL_TRY_ASSIGN(Memory memory, map(made.get(), MapAccess::write));
        memory->descriptor = std::move(made);
        memory->reusable = true;
        all_.push_back(std::move(memory));
    } else {
        // What another thread has read of it, it has read before it let it go.
        std::atomic_thread_fence(std::memory_order_acquire);
        std::rotate(best, best + 1, all_.end());
    }
    return all_.back();
}

Result<LentBlob> BlobPool::lend(std::size_t size)
{
    if (size > most_lent) {
        return fail(Errc::exhausted,
                    "no memory for a payload of " + std::to_string(size) + " bytes");
    }
    if (!shared_) {
        return lend_heap(size);
    }
    Result<Memory> lent = find_or_make(size);
    if (!lent) {
        Result<LentBlob> own = lend_heap(size);
        return own ? std::move(own) : tl::unexpected<Error>(lent.error());
    }
    trim();
    const auto bytes = (*lent)->bytes.first(size);
    return LentBlob{std::move(*lent), bytes};
}

Result<LentBlob> BlobPool::lend_heap(std::size_t size)
{
    auto memory = std::make_shared<BlobMemory>();
    // Zeros, as in a fresh blob.
    memory->heap.reset(new (std::nothrow) std::byte[std::max<std::size_t>(size, 1)]());
    if (memory->heap == nullptr) {
        return fail(Errc::exhausted,
                    "no memory for a payload of " + std::to_string(size) + " bytes");
    }
    memory->bytes = {memory->heap.get(), size};
    heap_.emplace_back(memory);
    const auto bytes = memory->bytes;
    return LentBlob{std::move(memory), bytes};
}

std::size_t BlobPool::in_use()
{
    std::size_t bytes = 0;
    for (const Memory& memory : all_) {
        bytes += memory.use_count() > 1 ? memory->bytes.size() : 0U;
    }
    std::erase_if(heap_, [&](const auto& each) {
        const Memory memory = each.lock();
        bytes += memory == nullptr ? 0U : memory->bytes.size();
        return memory == nullptr;
    });
    return bytes;
}

Result<std::optional<LentBlob>> BlobPool::copy(ByteView payload)
{
    const std::size_t wanted = in_pages(payload.size());
    const std::size_t used = in_use();
    if (used > kept_ || wanted > kept_ - used) {
        return std::nullopt;
    }
    JOBMILL_TRY_ASSIGN(LentBlob lent, lend(payload.size()));
    if (lent.memory_->descriptor) {
        // Written, for who has mapped a file must not die of its end.
        JOBMILL_TRY(write_blob(lent.memory_->descriptor.get(), 0, payload));
    } else {
        std::copy(payload.begin(), payload.end(), lent.bytes().begin());
    }
    return std::optional{std::move(lent)};
}

Result<Blob> BlobPool::open(const UniqueFd& descriptor, std::uint64_t size, JobId job,
                            const std::shared_ptr<Returns>& returns)
{
    struct stat status {};
    if (::fstat(descriptor.get(), &status) != 0) {
        return fail_errno("fstat of a blob", errno);
    }
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const Memory& memory) {
        return memory->inode == status.st_ino && memory->device == status.st_dev;
    });
    Memory lent;
    if (found == all_.end()) {
        JOBMILL_TRY_ASSIGN(lent, map(descriptor.get(), MapAccess::read));
    } else {
        lent = *found;
    }
    const ByteView bytes = lent->bytes.first(size);
    return Blob{bytes, std::make_shared<const Loan>(std::move(lent), job, returns)};
}

void BlobPool::trim()
{
    std::size_t bytes = 0;
    std::size_t count = 0;
    for (std::size_t i = all_.size(); i > 0; --i) {
        const auto at = all_.begin() + static_cast<std::ptrdiff_t>(i - 1);
        if (at->use_count() > 1) {
            continue;
        }
        bytes += (*at)->bytes.size();
        ++count;
        if (!(*at)->reusable || bytes > kept_ || count > most_kept) {
            bytes -= (*at)->bytes.size();
            --count;
            all_.erase(at);
        }
    }
}

}  // namespace jobmill
