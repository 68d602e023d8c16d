// SPDX-License-Identifier: MIT
// A mapped segment. The daemon makes one per worker process and throws it away with it: after a
// crash there is nothing to repair.
#pragma once

#include <memory>

#include "common/segment_layout.hpp"
#include "common/unique_fd.hpp"
#include "jobmill/result.hpp"

namespace jobmill {

class Segment {
public:
    /// A new memfd: wholly allocated, zeroed, sealed against shrinking and growing.
    [[nodiscard]] static Result<UniqueFd> make_memory();

    /// Maps the memory; the descriptor may be closed afterwards.
    [[nodiscard]] static Result<Segment> map(const UniqueFd& memory);

    Segment(Segment&&) noexcept;
    Segment& operator=(Segment&&) noexcept;
    ~Segment();

    [[nodiscard]] SegmentLayout& layout() noexcept { return *layout_; }
    [[nodiscard]] const SegmentLayout& layout() const noexcept { return *layout_; }

    /// Children that this process forks will not have the mapping.
    [[nodiscard]] Result<void> keep_from_children();

private:
    struct Mapping;
    explicit Segment(std::unique_ptr<Mapping> mapping);

    std::unique_ptr<Mapping> mapping_;
    SegmentLayout* layout_;
};

}  // namespace jobmill
