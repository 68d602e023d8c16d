// SPDX-License-Identifier: MIT
#include "client/commands/map_tally.hpp"

#include <algorithm>

#include "common/exit_code.hpp"

namespace jobmill::commands {
namespace {

constexpr std::uint64_t most_failures_as_code = 100;
/// A share of fewer says nothing.
constexpr std::uint64_t fewest_for_a_share = 3;

}  // namespace

void MapTally::add_failure(int exit_code) noexcept
{
    if (++failed_ == 1) {
        first_code_ = exit_code;
    }
}

bool MapTally::halts() const noexcept
{
    if (!halt_ || failed_ == 0) {
        return false;
    }
    return halt_->percent ? failed_ >= fewest_for_a_share && failed_ * 100 >= halt_->fail * ended()
                          : failed_ >= halt_->fail;
}

int MapTally::exit_code() const noexcept
{
    if (halt_ && halt_->percent) {
        const std::uint64_t all = std::max<std::uint64_t>(ended(), 1);
        return static_cast<int>((failed_ * 100 + all - 1) / all);
    }
    if (halt_ && halt_->fail == 1) {
        return first_code_;
    }
    return failed_ > most_failures_as_code ? exit_code::too_many_failures
                                           : static_cast<int>(failed_);
}

std::string MapTally::summary() const
{
    if (failed_ == 0 && halted_ == 0) {
        return {};
    }
    std::string text = std::to_string(done_) + " done, " + std::to_string(failed_) + " failed";
    if (halted_ > 0) {
        text += ", " + std::to_string(halted_) + " given up";
    }
    return text;
}

}  // namespace jobmill::commands
