// SPDX-License-Identifier: MIT
#include "daemon/core/terms_book.hpp"

#include "common/assert.hpp"

namespace jobmill::core {

std::size_t TermsBook::Hash::operator()(const JobTerms& terms) const noexcept
{
    constexpr std::uint64_t golden = 0x9E3779B97F4A7C15U;
    std::uint64_t mixed = 0;
    const auto mix = [&](std::uint64_t value) {
        mixed = (mixed ^ value) * golden;
        mixed ^= mixed >> 29U;
    };
    mix(static_cast<std::uint64_t>(terms.priority + 128) << 2U | (terms.alone ? 2U : 0U) |
        (terms.spoils_worker ? 1U : 0U));
    mix(std::uint64_t{terms.retry_crash} << 32U | std::uint64_t{terms.retry_timeout} << 16U |
        terms.retry_failure);
    for (const Duration each : {terms.delay, terms.queue_timeout, terms.run_timeout, terms.backoff,
                                terms.longest_backoff}) {
        mix(static_cast<std::uint64_t>(each.count()));
    }
    return mixed;
}

TermsHandle TermsBook::take(const JobTerms& terms)
{
    if (last_ == none || entries_[number(last_)].terms != terms) {
        last_ = find_or_keep(terms);
    }
    unused_ -= entries_[number(last_)].jobs++ == 0 ? 1U : 0U;
    return last_;
}

TermsHandle TermsBook::find_or_keep(const JobTerms& terms)
{
    const auto [place, is_new] = index_.try_emplace(terms, TermsHandle{});
    if (is_new) {
        if (free_.empty()) {
            place->second = TermsHandle{static_cast<std::uint32_t>(entries_.size())};
            entries_.push_back({terms, 0});
        } else {
            place->second = free_.back();
            free_.pop_back();
            entries_[number(place->second)] = {terms, 0};
        }
        ++unused_;
    }
    return place->second;
}

void TermsBook::release(TermsHandle handle)
{
    Entry& entry = entries_[number(handle)];
    JOBMILL_ASSERT(entry.jobs > 0);
    constexpr std::size_t most_unused = 256;
    if (--entry.jobs > 0 || ++unused_ <= most_unused) {
        return;
    }
    std::erase_if(index_, [this](const auto& each) {
        const bool unused = entries_[number(each.second)].jobs == 0;
        if (unused) {
            free_.push_back(each.second);
        }
        return unused;
    });
    unused_ = 0;
    last_ = none;
}

}  // namespace jobmill::core
