// SPDX-License-Identifier: MIT
#include <optional>

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
        const char* const end = text.data() + text.size();
        for (const char* at = text.data(); at != end;) {
            if (!is_letter(*at)) {
                ++at;
                continue;
            }
            word_.clear();
            for (; at != end && is_letter(*at); ++at) {
                word_ += static_cast<char>(*at | 0x20);
            }
            if (word_.size() >= shortest_word) {
                counts_.add(word_, 1);
            }
        }
    }
    [[nodiscard]] const TextCounter& counts() const noexcept { return counts_; }

private:
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
    if (job.optional_text("path")) {
        count_file(job, counter);
    } else {
        count_payload(job, counter);
    }
    counter.counts().report(job);
}

}  // namespace jobmill::handlers
