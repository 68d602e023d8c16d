// SPDX-License-Identifier: MIT
// One line to one parsed object, in memory that is reused. For common/json_lines.cpp alone.
#pragma once

#include <string_view>
#include <vector>

#include "common/json_members.hpp"
#include "common/limits.hpp"

namespace jobmill::json {

class LineParser {
public:
    /// What it answers is borrowed until the next call.
    [[nodiscard]] Decoded<Object> parse(std::string_view line);

private:
    simdjson::dom::parser parser_{limits::frame};
    std::vector<char> line_;  ///< a copy with the padding that the parser may read beyond its end
};

}  // namespace jobmill::json
