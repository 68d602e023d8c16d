// SPDX-License-Identifier: MIT
// How often an event may be said. Pure: the caller has the clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace jobmill::log {

using TimePoint = std::chrono::steady_clock::time_point;

/// Holds `burst` tokens at first and at most; one comes back every `period`.
class TokenBucket {
public:
    TokenBucket(std::uint32_t burst, std::chrono::milliseconds period, TimePoint now)
        : burst_(burst), tokens_(burst), period_(period), counted_(now)
    {
    }

    /// False when there is none.
    [[nodiscard]] bool take(TimePoint now);
    [[nodiscard]] bool has_token(TimePoint now);

private:
    void refill(TimePoint now);

    std::uint32_t burst_;
    std::uint32_t tokens_;
    std::chrono::milliseconds period_;
    TimePoint counted_;  ///< tokens up to here are counted
};

/// One bucket for each event, and how often the event was left out since that was last said.
class EventRates {
public:
    using LeftOut = std::pair<std::string_view, std::uint64_t>;

    EventRates(std::uint32_t burst, std::chrono::milliseconds period)
        : burst_(burst), period_(period)
    {
    }

    /// Whether it may be said; if not, it is counted. `event` lives as long as this.
    [[nodiscard]] bool admit(std::string_view event, TimePoint now);

    /// Counts that may be said by now, each once.
    [[nodiscard]] std::vector<LeftOut> take_left_out(TimePoint now);
    /// All of them.
    [[nodiscard]] std::vector<LeftOut> take_all_left_out();

private:
    struct Entry {
        TokenBucket bucket;
        std::uint64_t left_out = 0;
    };

    std::uint32_t burst_;
    std::chrono::milliseconds period_;
    std::map<std::string_view, Entry> entries_;  ///< as many as there are names in the code
    std::uint64_t unsaid_ = 0;                   ///< of all entries
};

}  // namespace jobmill::log
