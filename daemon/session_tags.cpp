// SPDX-License-Identifier: MIT
#include "daemon/session_tags.hpp"

#include <random>

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
    const auto place = numbers_.take(Number{.tag = tag, .use = {}});
    const bool added = index_.add(place, tags());
    if (!added) {
        numbers_.give_back(place);
    }
    return added;
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
    const auto place = index_.take(number(tag), tags());
    if (place != core::NumberIndex::none) {
        const Use use = numbers_[place].use;
        numbers_.give_back(place);
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
    const auto place = index_.find(number(tag), tags());
    if (place != core::NumberIndex::none) {
        return &numbers_[place].use;
    }
    const auto found = texts_.find(number(tag));
    return found == texts_.end() ? nullptr : &found->second.use;
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
