// SPDX-License-Identifier: MIT
// Who owns an offered job: decided by one compare-and-swap, so that a job is never both started
// and taken back. The daemon offers before it sends the job; the worker claims before it starts;
// the daemon may revoke what is not claimed yet, at any position.
#pragma once

#include "common/segment_layout.hpp"
#include "jobmill/ids.hpp"

namespace jobmill {

enum class ClaimState : std::uint8_t { none = 0, offered = 1, claimed = 2, revoked = 3 };

[[nodiscard]] constexpr std::uint64_t claim_word(Sequence sequence, ClaimState state) noexcept
{
    return number(sequence) << 2U | static_cast<std::uint64_t>(state);
}

[[nodiscard]] inline SharedWord& claim_slot(SegmentLayout& layout, Sequence sequence) noexcept
{
    return layout.claims[number(sequence) % claim_slot_count];
}

/// The daemon, before it sends the job.
inline void offer_claim(SegmentLayout& layout, Sequence sequence) noexcept
{
    claim_slot(layout, sequence)
        .store(claim_word(sequence, ClaimState::offered), std::memory_order_release);
}

[[nodiscard]] inline bool swap_claim(SegmentLayout& layout, Sequence sequence,
                                     ClaimState to) noexcept
{
    std::uint64_t expected = claim_word(sequence, ClaimState::offered);
    return claim_slot(layout, sequence)
        .compare_exchange_strong(expected, claim_word(sequence, to), std::memory_order_acq_rel);
}

/// The worker, before it starts the job. False: it was taken back; drop it.
[[nodiscard]] inline bool take_claim(SegmentLayout& layout, Sequence sequence) noexcept
{
    return swap_claim(layout, sequence, ClaimState::claimed);
}

/// The worker has got that job, or is about to, and nobody has taken it since.
[[nodiscard]] inline bool is_offered(const SegmentLayout& layout, Sequence sequence) noexcept
{
    const SharedWord& slot = layout.claims[number(sequence) % claim_slot_count];
    return slot.load(std::memory_order_acquire) == claim_word(sequence, ClaimState::offered);
}

/// The worker has begun that job.
[[nodiscard]] inline bool is_claimed(const SegmentLayout& layout, Sequence sequence) noexcept
{
    const SharedWord& slot = layout.claims[number(sequence) % claim_slot_count];
    return slot.load(std::memory_order_acquire) == claim_word(sequence, ClaimState::claimed);
}

/// The daemon takes the job back. False: the worker has it.
[[nodiscard]] inline bool revoke_claim(SegmentLayout& layout, Sequence sequence) noexcept
{
    return swap_claim(layout, sequence, ClaimState::revoked);
}

}  // namespace jobmill
