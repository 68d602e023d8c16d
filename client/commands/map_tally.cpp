// SPDX-License-Identifier: MIT
#include "client/commands/map_tally.hpp"

#include <algorithm>

#include "common/exit_code.hpp"

namespace jobmill::commands {
namespace {

constexpr std::uint64_t most_failures_as_code = 100;
/// A share of fewer says nothing.
constexpr std::uint64_t fewest_for_a_share = 3;
/// More say no more to people; what reads them wants a log.
constexpr std::size_t most_items_named = 10;

}  // namespace

void MapTally::add_failure(std::uint64_t item, int exit_code)
{
    if (++failed_ == 1) {
        first_code_ = exit_code;
    }
    if (first_items_.size() < most_items_named) {
        first_items_.push_back(item);
    }
}

void MapTally::add_cut_short(std::uint64_t item, int exit_code)
{
    ++cut_short_;
    add_failure(item, exit_code);
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
    std::string text =
        std::to_string(done_) + " done, " + std::to_string(failed_ - cut_short_) + " failed";
    if (cut_short_ > 0) {
        text += ", " + std::to_string(cut_short_) + " cut short";
    }
    if (halted_ > 0) {
        text += ", " + std::to_string(halted_) + " given up";
    }
    return text;
}

std::string MapTally::failed_items() const
{
    if (failed_ == 0) {
        return {};
    }
    const std::uint64_t unnamed = failed_ - first_items_.size();
    std::string text = failed_ == 1 ? "item " : "items ";
    for (std::size_t i = 0; i < first_items_.size(); ++i) {
        const bool last = i + 1 == first_items_.size() && unnamed == 0;
        text += i == 0 ? "" : last ? " and " : ", ";
        text += std::to_string(first_items_[i]);
    }
    return text + (unnamed == 0 ? "" : " and " + std::to_string(unnamed) + " others");
}

}  // namespace jobmill::commands
