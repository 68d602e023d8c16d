// SPDX-License-Identifier: MIT
#include "worker/handlers/text_counter.hpp"

#include <array>
#include <charconv>
#include <cstring>

namespace jobmill::handlers {
namespace {

/// A number's digits, on the stack.
class Digits {
public:
    explicit Digits(std::uint64_t number) noexcept
        : size_(static_cast<std::size_t>(
              std::to_chars(digits_.data(), digits_.data() + digits_.size(), number).ptr -
              digits_.data()))
    {
    }
    [[nodiscard]] std::string_view text() const noexcept { return {digits_.data(), size_}; }

private:
    std::array<char, 20> digits_{};
    std::size_t size_;
};

}  // namespace

void TextCounter::add(std::string_view text, std::uint64_t count)
{
    const auto found = counts_.find(text);
    if (found != counts_.end()) {
        found->second += count;
    } else {
        counts_.emplace(text, count);
    }
}

void TextCounter::report(Job& job) const
{
    std::size_t size = 0;
    for (const auto& [text, count] : counts_) {
        size += text.size() + Digits{count}.text().size() + 2;
    }
    std::byte* to = job.result_blob(size).data();
    const auto put = [&](std::string_view part) {
        std::memcpy(to, part.data(), part.size());
        to += part.size();
    };
    for (const auto& [text, count] : counts_) {
        put(text);
        put("\t");
        put(Digits{count}.text());
        put("\n");
    }
}

}  // namespace jobmill::handlers
