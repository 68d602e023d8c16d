// SPDX-License-Identifier: MIT
// Text that a signal handler writes: into memory that is there, without allocating, cut where it is
// full.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace jobmill {

class SignalText {
public:
    explicit SignalText(std::span<char> to) noexcept : to_(to) {}

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    SignalText& text(const char* words) noexcept
    {
        for (; words != nullptr && *words != '\0'; ++words) {
            character(*words);
        }
        return *this;
    }
    SignalText& character(char one) noexcept
    {
        if (size_ < to_.size()) {
            to_[size_++] = one;
        }
        return *this;
    }
    SignalText& decimal(std::uint64_t number) noexcept { return digits(number, 10); }
    SignalText& hexadecimal(std::uint64_t number) noexcept { return text("0x").digits(number, 16); }

private:
    SignalText& digits(std::uint64_t number, std::uint64_t base) noexcept
    {
        std::array<char, 21> reversed{};
        std::size_t at = reversed.size() - 1;
        do {
            reversed[--at] = "0123456789abcdef"[number % base];
            number /= base;
        } while (number != 0);
        return text(reversed.data() + at);
    }

    std::span<char> to_;
    std::size_t size_ = 0;
};

}  // namespace jobmill
