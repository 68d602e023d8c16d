// SPDX-License-Identifier: MIT
#include <array>
#include <cstring>
#include <optional>

#include "worker/handlers/eight_bytes.hpp"
#include "worker/handlers/file_range.hpp"
#include "worker/handlers/handlers.hpp"
#include "worker/handlers/text_counter.hpp"

namespace jobmill::handlers {
namespace {

constexpr std::size_t shortest_word = 2;
constexpr std::size_t payload_block = 1U << 20U;

bool is_letter(char byte) noexcept
{
    const auto lower = static_cast<unsigned char>(byte | 0x20);
    return lower >= 'a' && lower <= 'z';
}

bool ends_word(char byte)
{
    return !is_letter(byte);
}

class WordCounter {
public:
    void count(std::string_view text)
    {
        for (std::size_t at = 0; at < text.size();) {
            const std::uint64_t eight = lower_eight_at(text, at);
            const std::size_t letters = leading_letters(eight);
            if (letters == sizeof eight) {
                at += count_long(text.substr(at));
            } else if (letters >= shortest_word) {
                counts_.add_short(first_of_eight(eight, letters), letters);
            }
            at += letters == sizeof eight ? 0 : letters + 1;  // what is no letter is behind it
        }
    }
    [[nodiscard]] const TextCounter& counts() const noexcept { return counts_; }

private:
    /// Behind the end nothing is a letter.
    static std::uint64_t lower_eight_at(std::string_view text, std::size_t at)
    {
        return lower_eight(text.size() - at >= sizeof(std::uint64_t)
                               ? load_eight(text.data() + at)
                               : first_eight(text.substr(at)));
    }

    /// The word that the text begins with, of eight letters or more. Answers how many it has.
    std::size_t count_long(std::string_view text)
    {
        word_.clear();
        std::size_t letters = sizeof(std::uint64_t);
        while (letters == sizeof(std::uint64_t)) {
            const std::uint64_t eight = lower_eight_at(text, word_.size());
            letters = leading_letters(eight);
            std::array<char, sizeof eight> bytes{};
            std::memcpy(bytes.data(), &eight, sizeof eight);
            word_.append(bytes.data(), letters);
        }
        counts_.add(word_, 1);
        return word_.size();
    }

    std::string word_;
    TextCounter counts_;
};

/// Counts a text that is in memory, a block at a time, so that a cancel is seen.
void count_payload(const Job& job, WordCounter& counter)
{
    for (std::string_view rest = job.payload(); !rest.empty();) {
        job.stop_if_cancelled();
        std::size_t size = std::min(rest.size(), payload_block);
        while (size < rest.size() && is_letter(rest[size])) {
            ++size;
        }
        counter.count(rest.substr(0, size));
        rest.remove_prefix(size);
    }
}

void count_file(Job& job, WordCounter& counter)
{
    FileRange range{job, "text.wordcount", ends_word};
    while (const auto block = range.next()) {
        job.stop_if_cancelled();
        counter.count(*block);
        job.progress(range.done(), range.size());
    }
}

}  // namespace

void word_count(Job& job)
{
    WordCounter counter;
    if (FileRange::is_named(job, "text.wordcount")) {
        count_file(job, counter);
    } else {
        count_payload(job, counter);
    }
    counter.counts().report(job);
}

}  // namespace jobmill::handlers
