// SPDX-License-Identifier: MIT
#include "common/status_lists.hpp"

#include <algorithm>

namespace jobmill {
namespace {

Value* find_member(Map& members, std::string_view name)
{
    const auto found = std::find_if(members.begin(), members.end(),
                                    [&](const auto& each) { return each.first == name; });
    return found == members.end() ? nullptr : &found->second;
}

void count_more(Map& members, std::string_view name, std::size_t dropped)
{
    Value* more = find_member(members, name);
    if (more == nullptr) {
        members.emplace_back().first = name;
        more = &members.back().second;
    }
    const std::int64_t* counted = more->integer();
    more->emplace<std::int64_t>((counted == nullptr ? 0 : *counted) +
                                static_cast<std::int64_t>(dropped));
}

}  // namespace

bool shorten_status(Value& body)
{
    auto* members = std::get_if<Map>(&body);
    if (members == nullptr) {
        return false;
    }
    Array* longest = nullptr;
    std::string_view more;
    for (const StatusList& list : status_lists) {
        Value* member = find_member(*members, list.name);
        auto* items = member == nullptr ? nullptr : std::get_if<Array>(member);
        if (items != nullptr && items->size() > (longest == nullptr ? 0 : longest->size())) {
            longest = items;
            more = list.more;
        }
    }
    if (longest == nullptr) {
        return false;
    }
    const std::size_t kept = longest->size() / 2;
    const std::size_t dropped = longest->size() - kept;
    longest->resize(kept);
    count_more(*members, more, dropped);
    return true;
}

}  // namespace jobmill
