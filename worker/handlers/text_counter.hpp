// SPDX-License-Identifier: MIT
// Counts by text: the map of a map-reduce.
#pragma once

#include <cstdint>
#include <string_view>

#include <jobmill/handler.hpp>

#include "worker/handlers/text_table.hpp"

namespace jobmill::handlers {

class TextCounter {
public:
    void add(std::string_view text, std::uint64_t count) { counts_.at(text) += count; }
    /// One more of a text of eight bytes at most that is at hand as first_eight() has it.
    void add_short(std::uint64_t head, std::size_t size) { ++counts_.at_short(head, size); }

    /// The job's result: a line "text TAB count" each, in no particular order.
    void report(Job& job) const;

private:
    TextTable counts_;
};

}  // namespace jobmill::handlers
