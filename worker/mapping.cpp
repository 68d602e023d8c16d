// SPDX-License-Identifier: MIT
#include "worker/mapping.hpp"

#include <sys/mman.h>

#include <utility>

namespace jobmill {
namespace {

/// To have so much mapped at once is cheaper than a fault for every few pages; of more, who knows
/// how much of it is looked at.
constexpr std::size_t most_at_once = std::size_t{128} << 20U;

}  // namespace

Result<Mapping> Mapping::map(int descriptor, std::size_t size, Access access)
{
    const MapPages pages = size <= most_at_once ? MapPages::at_once : MapPages::as_touched;
    JOBMILL_TRY_ASSIGN(const auto bytes, map_blob(descriptor, size, access, pages));
    return Mapping{bytes};
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
