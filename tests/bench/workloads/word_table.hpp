// SPDX-License-Identifier: MIT
// Words of a mapped text and how often each occurs, as fast as plain C would: open addressing, and
// keys that stay where they are in the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jobmill::bench {

class WordTable {
public:
    WordTable();

    /// Counts the words that begin in the range of the text: letters, in lower case already.
    void count(std::string_view text, std::uint64_t offset, std::uint64_t length);
    /// Adds another table's lines(), which have to live as long as this does.
    void merge(std::string_view lines);

    /// A line "word TAB count" each, as text.wordcount spells them.
    [[nodiscard]] std::string lines() const;
    [[nodiscard]] std::uint64_t words() const noexcept { return words_; }
    [[nodiscard]] std::size_t distinct() const noexcept { return distinct_; }

private:
    struct Entry {
        std::string_view word;
        std::uint64_t hash = 0;
        std::uint64_t count = 0;
    };

    void add(std::string_view word, std::uint64_t hash, std::uint64_t count);
    void grow();

    std::vector<Entry> entries_;
    std::uint64_t words_ = 0;
    std::size_t distinct_ = 0;
};

/// A file's bytes, mapped until the process ends.
[[nodiscard]] std::string_view mapped_file(const char* path);

[[nodiscard]] inline std::size_t megabytes(std::string_view text)
{
    return (text.size() + 500'000) / 1'000'000;
}

}  // namespace jobmill::bench
