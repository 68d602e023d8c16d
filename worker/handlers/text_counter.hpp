// SPDX-License-Identifier: MIT
// Counts by text: the map of a map-reduce.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <jobmill/handler.hpp>

namespace jobmill::handlers {

class TextCounter {
public:
    void add(std::string_view text, std::uint64_t count);

    /// The job's result: a line "text TAB count" each, in no particular order.
    void report(Job& job) const;

private:
    struct Hash {
        using is_transparent = void;  // NOLINT(readability-identifier-naming): the library's
        std::size_t operator()(std::string_view text) const noexcept
        {
            return std::hash<std::string_view>{}(text);
        }
    };
    std::unordered_map<std::string, std::uint64_t, Hash, std::equal_to<>> counts_;
};

}  // namespace jobmill::handlers
