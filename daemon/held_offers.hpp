// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "common/assert.hpp"
#include "common/segment_layout.hpp"
#include "jobmill/ids.hpp"

namespace jobmill::daemon {

/// The jobs that a worker was offered, and that have neither ended nor been taken back. Each has
/// the place that its claim has, so there are no more than that.
class HeldOffers {
public:
    struct Offer {
        Sequence sequence{};
        JobId job{};
    };

    /// Sequences rise.
    void add(Sequence sequence, JobId job)
    {
        Offer& place = place_of(sequence);
        JOBMILL_ASSERT(place.sequence == Sequence{});
        place = {sequence, job};
        newest_ = sequence;
        ++size_;
    }
    void remove(Sequence sequence)
    {
        Offer& place = place_of(sequence);
        if (place.sequence == sequence && sequence != Sequence{}) {
            place = {};
            --size_;
        }
    }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// The last that fulfils it.
    template <typename Predicate>
    [[nodiscard]] std::optional<Offer> last(Predicate predicate) const
    {
        std::uint64_t at = number(newest_);
        for (std::size_t left = size_; left > 0; --at) {
            const Offer& offer = offers_[at % claim_slot_count];
            if (offer.sequence != Sequence{at}) {
                continue;
            }
            if (predicate(offer)) {
                return offer;
            }
            --left;
        }
        return {};
    }

private:
    [[nodiscard]] Offer& place_of(Sequence sequence)
    {
        return offers_[number(sequence) % claim_slot_count];
    }

    std::array<Offer, claim_slot_count> offers_{};
    Sequence newest_{};
    std::size_t size_ = 0;
};

}  // namespace jobmill::daemon
