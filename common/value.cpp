// SPDX-License-Identifier: MIT
#include "jobmill/value.hpp"

#include <algorithm>

namespace jobmill {

const Value* Value::find(std::string_view key) const
{
    const Map* members = map();
    if (members == nullptr) {
        return nullptr;
    }
    const auto found = std::find_if(members->begin(), members->end(),
                                    [&](const auto& member) { return member.first == key; });
    return found == members->end() ? nullptr : &found->second;
}

std::string_view Value::text_at(std::string_view key) const
{
    const Value* value = find(key);
    const std::string* found = value == nullptr ? nullptr : value->text();
    return found == nullptr ? std::string_view{} : std::string_view{*found};
}

std::int64_t Value::integer_at(std::string_view key) const
{
    const Value* value = find(key);
    const std::int64_t* found = value == nullptr ? nullptr : value->integer();
    return found == nullptr ? 0 : *found;
}

double Value::real_at(std::string_view key) const
{
    const Value* value = find(key);
    if (value == nullptr) {
        return 0;
    }
    if (const auto* real = std::get_if<double>(value)) {
        return *real;
    }
    return static_cast<double>(integer_at(key));
}

}  // namespace jobmill
