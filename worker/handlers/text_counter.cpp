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

void TextCounter::report(Job& job) const
{
    std::size_t size = 0;
    counts_.each([&](std::string_view text, std::uint64_t count) {
        size += text.size() + Digits{count}.text().size() + 2;
    });
    std::byte* to = job.result_blob(size).data();
    const auto put = [&](std::string_view part) {
        std::memcpy(to, part.data(), part.size());
        to += part.size();
    };
    counts_.each([&](std::string_view text, std::uint64_t count) {
        put(text);
        put("\t");
        put(Digits{count}.text());
        put("\n");
    });
}

}  // namespace jobmill::handlers
