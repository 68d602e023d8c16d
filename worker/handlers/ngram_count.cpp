// SPDX-License-Identifier: MIT
#include "worker/handlers/file_range.hpp"
#include "worker/handlers/handlers.hpp"
#include "worker/handlers/known_arguments.hpp"
#include "worker/handlers/quoted.hpp"
#include "worker/handlers/text_counter.hpp"

namespace jobmill::handlers {
namespace {

constexpr std::uint64_t bytes_between_reports = 4U << 20U;

bool ends_line(char byte)
{
    return byte == '\n';
}

struct Number {
    const char* end;  ///< null: there is none, or it has more digits than 64 bits hold
    std::uint64_t value;
};

/// The bytes must hold something that is no digit at their end.
Number take_number(const char* at) noexcept
{
    constexpr std::ptrdiff_t most_digits = 19;
    const char* const first = at;
    std::uint64_t value = 0;
    for (unsigned digit = 0; (digit = static_cast<unsigned>(*at) - '0') <= 9; ++at) {
        value = 10 * value + digit;
    }
    return {at == first || at - first > most_digits ? nullptr : at, value};
}

/// Files list all years of an ngram together: it is looked up once, not once a line.
class NgramCounter {
public:
    /// Counts whole lines, the last with its end. Answers where a malformed one begins, else null.
    [[nodiscard]] const char* count(std::string_view lines)
    {
        const char* const end = lines.data() + lines.size();
        for (const char* line = lines.data(); line != end;) {
            const char* const after = count_line(line, end);
            if (after == nullptr) {
                return line;
            }
            line = after;
        }
        // The current ngram lies in the reader's buffer.
        finish_ngram();
        current_ = {};
        return nullptr;
    }

    [[nodiscard]] const TextCounter& counts() const noexcept { return counts_; }

private:
    /// Answers the next line, or null when this one is malformed.
    const char* count_line(const char* line, const char* end)
    {
        const auto room = static_cast<std::size_t>(end - line);
        const bool same = !current_.empty() && current_.size() < room &&
                          line[current_.size()] == '\t' &&
                          std::string_view{line, current_.size()} == current_;
        if (!same && !begin_ngram(line)) {
            return nullptr;
        }
        const Number year = take_number(line + current_.size() + 1);
        if (year.end == nullptr || *year.end != '\t') {
            return nullptr;
        }
        const Number matches = take_number(year.end + 1);
        if (matches.end == nullptr || *matches.end != '\t') {
            return nullptr;
        }
        const Number volumes = take_number(matches.end + 1);
        if (volumes.end == nullptr || *volumes.end != '\n') {
            return nullptr;
        }
        total_ += matches.value;
        return volumes.end + 1;
    }

    bool begin_ngram(const char* line)
    {
        finish_ngram();
        const char* tab = line;
        while (*tab != '\t' && *tab != '\n') {
            ++tab;
        }
        current_ = {line, static_cast<std::size_t>(tab - line)};
        return *tab == '\t' && !current_.empty();
    }

    void finish_ngram()
    {
        if (!current_.empty()) {
            counts_.add(current_, total_);
        }
        total_ = 0;
    }

    std::string_view current_;
    std::uint64_t total_ = 0;
    TextCounter counts_;
};

[[noreturn]] void refuse_line(const FileRange& range, std::string_view lines, const char* at)
{
    const auto offset = static_cast<std::uint64_t>(at - lines.data());
    const std::string_view line = lines.substr(offset, lines.find('\n', offset) - offset);
    throw Failure{"ngram.count: " + range.path() + ": byte " +
                  std::to_string(range.block_offset() + offset) +
                  ": not \"ngram TAB year TAB match_count TAB volume_count\": " + quoted(line)};
}

}  // namespace

void ngram_count(Job& job)
{
    require_known(job, "ngram.count", {"path", "offset", "length"});
    FileRange range{job, "ngram.count", ends_line};
    NgramCounter counter;
    std::uint64_t next_report = bytes_between_reports;
    std::string last_line;
    while (auto lines = range.next()) {
        job.stop_if_cancelled();
        if (lines->back() != '\n') {
            last_line = *lines;
            last_line += '\n';
            lines = last_line;
        }
        if (const char* malformed = counter.count(*lines); malformed != nullptr) {
            refuse_line(range, *lines, malformed);
        }
        if (range.done() >= next_report) {
            job.progress(range.done(), range.size());
            next_report = range.done() + bytes_between_reports;
        }
    }
    job.progress(range.size(), range.size());
    counter.counts().report(job);
}

}  // namespace jobmill::handlers
