// SPDX-License-Identifier: MIT
#include "client/commands/text_table.hpp"

#include <algorithm>
#include <cstring>

namespace jobmill::commands {

bool TextTable::is_shown(std::size_t column) const
{
    return !columns_[column].when_needed ||
           std::any_of(rows_.begin(), rows_.end(), [&](const auto& row) {
               const std::string& cell = row.at(column);
               return !cell.empty() && cell != "0" && cell != "-";
           });
}

std::size_t TextTable::width(std::size_t column) const
{
    std::size_t width = std::strlen(columns_[column].heading);
    for (const auto& row : rows_) {
        width = std::max(width, row.at(column).size());
    }
    return width;
}

std::string TextTable::text() const
{
    std::vector<std::string> lines(rows_.size() + 1);
    for (std::size_t column = 0; column < columns_.size(); ++column) {
        if (!is_shown(column)) {
            continue;
        }
        const std::size_t wide = width(column) + 2;
        for (std::size_t i = 0; i < lines.size(); ++i) {
            const std::string cell = i == 0 ? columns_[column].heading : rows_[i - 1].at(column);
            lines[i] += cell + std::string(wide - cell.size(), ' ');
        }
    }
    std::string text;
    for (std::string& line : lines) {
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

}  // namespace jobmill::commands
