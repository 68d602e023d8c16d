// SPDX-License-Identifier: MIT
// A blob in memory, unmapped with its owner.
#pragma once

#include <cstddef>
#include <span>

#include "common/blob.hpp"
#include "jobmill/result.hpp"

namespace jobmill {

class Mapping {
public:
    using Access = MapAccess;

    /// Maps the first `size` bytes, above 0; the descriptor may be closed afterwards.
    [[nodiscard]] static Result<Mapping> map(int descriptor, std::size_t size, Access access);

    Mapping() noexcept = default;
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping();

    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

private:
    explicit Mapping(std::span<std::byte> bytes) noexcept : bytes_(bytes) {}

    std::span<std::byte> bytes_;
};

}  // namespace jobmill
