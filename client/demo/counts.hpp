// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace jobmill::demo {

/// The reduce of a map-reduce: partial counts, added up as they come.
class Counts {
public:
    /// Lines "text TAB count". False when one is not like that.
    [[nodiscard]] bool merge(std::string_view lines);
    /// Nothing counts as no text.
    void add(std::string_view text, std::uint64_t count);

    [[nodiscard]] std::uint64_t of(std::string_view text) const;
    [[nodiscard]] std::size_t size() const noexcept { return counts_.size(); }
    [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> largest(std::size_t n) const;
    /// As merge() reads it.
    [[nodiscard]] std::string lines() const;

private:
    struct Hash {
        // NOLINTNEXTLINE(readability-identifier-naming): the standard library looks for this name
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept
        {
            return std::hash<std::string_view>{}(text);
        }
    };
    std::unordered_map<std::string, std::uint64_t, Hash, std::equal_to<>> counts_;
};

}  // namespace jobmill::demo
