// SPDX-License-Identifier: MIT
#include "worker/mapping_cache.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace jobmill {

Result<std::span<std::byte>> MappingCache::map(int descriptor, std::size_t size,
                                               Mapping::Access access)
{
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) {
        return fail_errno("fstat of a blob", errno);
    }
    const auto whole = static_cast<std::size_t>(status.st_size);
    if (size == 0 || size > whole) {
        return fail(Errc::invalid,
                    "a blob of " + std::to_string(whole) + " bytes, not " + std::to_string(size));
    }
    const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) {
        return kept.inode == status.st_ino && kept.device == status.st_dev &&
               kept.access == access && kept.mapping.bytes().size() == whole;
    });
    if (found == kept_.end()) {
        JOBMILL_TRY_ASSIGN(Mapping mapping, Mapping::map(descriptor, whole, access));
        kept_.push_back({.device = status.st_dev,
                         .inode = status.st_ino,
                         .access = access,
                         .mapping = std::move(mapping)});
    } else {
        found->used_at = 0;
        std::rotate(found, found + 1, kept_.end());
    }
    return kept_.back().mapping.bytes().first(size);
}

void MappingCache::trim(std::uint64_t now)
{
    for (Kept& kept : kept_) {
        kept.used_at = kept.used_at == 0 ? now : kept.used_at;
    }
    auto fits = kept_.end();
    std::size_t bytes = 0;
    const auto count = [&] { return static_cast<std::size_t>(kept_.end() - fits); };
    while (fits != kept_.begin() && count() < budget_.count) {
        const Kept& older = *std::prev(fits);
        bytes += older.mapping.bytes().size();
        if (bytes > budget_.bytes || now - older.used_at >= budget_.age_ns) {
            break;
        }
        --fits;
    }
    kept_.erase(kept_.begin(), fits);
}

std::size_t MappingCache::fresh_bytes() const noexcept
{
    std::size_t sum = 0;
    for (const Kept& kept : kept_) {
        sum += kept.used_at == 0 ? kept.mapping.bytes().size() : 0;
    }
    return sum;
}

std::size_t MappingCache::bytes() const noexcept
{
    std::size_t sum = 0;
    for (const Kept& kept : kept_) {
        sum += kept.mapping.bytes().size();
    }
    return sum;
}

}  // namespace jobmill
