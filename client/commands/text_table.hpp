// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace jobmill::commands {

/// Rows under headings, in columns two spaces apart.
class TextTable {
public:
    struct Column {
        const char* heading;
        bool when_needed = false;  ///< left out when all that it says is nothing: "", "0", "-"
    };

    explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// A cell a column.
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
    [[nodiscard]] std::string text() const;

private:
    [[nodiscard]] bool is_shown(std::size_t column) const;
    [[nodiscard]] std::size_t width(std::size_t column) const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace jobmill::commands
