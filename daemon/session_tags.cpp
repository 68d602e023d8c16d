// SPDX-License-Identifier: MIT
#include "daemon/session_tags.hpp"

namespace jobmill::daemon {

bool SessionTags::add(Tag tag)
{
    return !texts_.contains(number(tag)) && numbers_.try_emplace(number(tag)).second;
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

void SessionTags::remove(Tag tag)
{
    if (numbers_.erase(number(tag)) > 0) {
        return;
    }
    const auto found = texts_.find(number(tag));
    if (found != texts_.end()) {
        by_text_.erase(found->second.text);
        texts_.erase(found);
    }
}

SessionTags::Use* SessionTags::use_of(Tag tag)
{
    if (const auto found = numbers_.find(number(tag)); found != numbers_.end()) {
        return &found.value();
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
