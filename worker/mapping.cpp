// SPDX-License-Identifier: MIT
#include "worker/mapping.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <utility>

namespace jobmill {
namespace {

/// To have so much mapped at once is cheaper than a fault for every few pages; of more, who knows
/// how much of it is looked at.
constexpr std::size_t most_at_once = std::size_t{128} << 20U;

}  // namespace

Result<Mapping> Mapping::map(int descriptor, std::size_t size, Access access)
{
    const int protection = access == Access::write ? PROT_READ | PROT_WRITE : PROT_READ;
    const int flags = MAP_SHARED | (size <= most_at_once ? MAP_POPULATE : 0);
    void* const address = ::mmap(nullptr, size, protection, flags, descriptor, 0);
    if (address == MAP_FAILED) {
        return fail_errno("mapping a blob of " + std::to_string(size) + " bytes", errno);
    }
    return Mapping{std::span{static_cast<std::byte*>(address), size}};
}

Mapping::Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept
{
    std::swap(bytes_, other.bytes_);
    return *this;
}

Mapping::~Mapping()
{
    if (!bytes_.empty()) {
        (void)::munmap(bytes_.data(), bytes_.size());
    }
}

}  // namespace jobmill
