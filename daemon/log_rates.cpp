// SPDX-License-Identifier: MIT
#include "daemon/log_rates.hpp"

#include <algorithm>

namespace jobmill::log {

void TokenBucket::refill(TimePoint now)
{
    if (now <= counted_) {
        return;
    }
    const auto periods = (now - counted_) / period_;
    if (periods >= burst_ - tokens_) {
        // Full: time that fills nothing is not saved up.
        tokens_ = burst_;
        counted_ = now;
        return;
    }
    tokens_ += static_cast<std::uint32_t>(periods);
    counted_ += periods * period_;
}

bool TokenBucket::has_token(TimePoint now)
{
    refill(now);
    return tokens_ > 0;
}

bool TokenBucket::take(TimePoint now)
{
    if (!has_token(now)) {
        return false;
    }
    --tokens_;
    return true;
}

bool EventRates::admit(std::string_view event, TimePoint now)
{
    const auto [entry, added] = entries_.try_emplace(event, Entry{{burst_, period_, now}});
    if (entry->second.bucket.take(now)) {
        return true;
    }
    ++entry->second.left_out;
    ++unsaid_;
    return false;
}

std::vector<EventRates::LeftOut> EventRates::take_left_out(TimePoint now)
{
    std::vector<LeftOut> counts;
    if (unsaid_ == 0) {
        return counts;
    }
    for (auto& [event, entry] : entries_) {
        if (entry.left_out > 0 && entry.bucket.has_token(now)) {
            unsaid_ -= entry.left_out;
            counts.emplace_back(event, std::exchange(entry.left_out, 0));
        }
    }
    return counts;
}

std::vector<EventRates::LeftOut> EventRates::take_all_left_out()
{
    return take_left_out(TimePoint::max());
}

}  // namespace jobmill::log
