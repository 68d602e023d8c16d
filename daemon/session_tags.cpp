// SPDX-License-Identifier: MIT
#include "daemon/session_tags.hpp"

#include <random>
#include <utility>

#include "common/assert.hpp"

namespace jobmill::daemon {
namespace {

/// Clients choose their numbers, and must not be able to choose such as collide.
std::uint64_t secret_scatter()
{
    static const std::uint64_t scatter = [] {
        std::random_device random;
        return (std::uint64_t{random()} << 32U) | random() | 1U;
    }();
    return scatter;
}

}  // namespace

SessionTags::SessionTags() : index_(core::NumberIndex::kept_of_many, secret_scatter()) {}

bool SessionTags::add(Tag tag)
{
    auto place = row_of(tag);
    if (place == core::NumberIndex::none) {
        last_row_ = place = rows_.take();
        rows_[place].number = number(tag) / row_length;
        const bool added = index_.add(place, row_numbers());
        JOBMILL_ASSERT(added);
    }
    Row& row = rows_[place];
    if ((row.taken & bit_of(tag)) != 0) {
        return false;
    }
    row.taken |= bit_of(tag);
    ++numbers_;
    return true;
}

std::optional<Tag> SessionTags::add(std::string_view text)
{
    const auto [entry, added] = by_text_.try_emplace(std::string{text}, Tag{last_number_ + 1});
    if (!added) {
        return {};
    }
    ++last_number_;
    texts_.emplace(last_number_, Text{.text = std::string{text}, .use = {}});
    return entry->second;
}

SessionTags::Use SessionTags::remove(Tag tag)
{
    const auto place = row_using(tag);
    if (place != core::NumberIndex::none) {
        Row& row = rows_[place];
        const Use use = std::exchange(row.uses[number(tag) % row_length], {});
        row.taken ^= bit_of(tag);
        --numbers_;
        if (row.taken == 0) {
            index_.remove(place, row_numbers());
            rows_.give_back(place);
            last_row_ = core::NumberIndex::none;
        }
        return use;
    }
    const auto found = texts_.find(number(tag));
    if (found == texts_.end()) {
        return {};
    }
    const Use use = found->second.use;
    by_text_.erase(found->second.text);
    texts_.erase(found);
    return use;
}

SessionTags::Use* SessionTags::use_of(Tag tag)
{
    const auto place = row_using(tag);
    if (place != core::NumberIndex::none) {
        return &rows_[place].uses[number(tag) % row_length];
    }
    const auto found = texts_.find(number(tag));
    return found == texts_.end() ? nullptr : &found->second.use;
}

core::NumberIndex::Place SessionTags::row_of(Tag tag)
{
    const std::uint64_t row = number(tag) / row_length;
    if (last_row_ == core::NumberIndex::none || rows_[last_row_].number != row) {
        last_row_ = index_.find(row, row_numbers());
    }
    return last_row_;
}

/// None when no number is in use that is that tag.
core::NumberIndex::Place SessionTags::row_using(Tag tag)
{
    const auto place = row_of(tag);
    return place == core::NumberIndex::none || (rows_[place].taken & bit_of(tag)) == 0
               ? core::NumberIndex::none
               : place;
}

std::optional<Tag> SessionTags::find(std::string_view text) const
{
    const auto found = by_text_.find(std::string{text});
    return found == by_text_.end() ? std::nullopt : std::optional{found->second};
}

std::string_view SessionTags::text(Tag tag) const
{
    const auto found = texts_.find(number(tag));
    return found == texts_.end() ? std::string_view{} : std::string_view{found->second.text};
}

}  // namespace jobmill::daemon
