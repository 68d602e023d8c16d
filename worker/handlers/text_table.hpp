// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <vector>

#include "worker/handlers/eight_bytes.hpp"

namespace jobmill::handlers {

/// A number for each text. Open addressing, with the first eight bytes of each text in its entry:
/// of a short one no more is compared. The texts themselves lie side by side in an arena. Nothing
/// is ever removed.
class TextTable {
public:
    TextTable();

    /// The number of that text, 0 at first. Void after the next call.
    [[nodiscard]] std::uint64_t& at(std::string_view text)
    {
        const std::uint64_t head = first_eight(text);
        return text.size() <= sizeof head ? at_short(head, text.size()) : at_long(head, text);
    }
    /// The same of a text of eight bytes at most that is at hand as first_eight() has it.
    [[nodiscard]] std::uint64_t& at_short(std::uint64_t head, std::size_t size)
    {
        for (std::size_t i = home_of(mixed(head));; i = (i + 1) & mask_) {
            Entry& entry = entries_[i];
            if (entry.head == head && entry.size == size && entry.text != nullptr) {
                return entry.value;
            }
            if (entry.text == nullptr) {
                return add_short(i, head, size);
            }
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Calls visit(text, number) for all of them, in no order.
    template <typename Visitor>
    void each(Visitor visit) const
    {
        for (const Entry& entry : entries_) {
            if (entry.text != nullptr) {
                visit(std::string_view{entry.text, entry.size}, entry.value);
            }
        }
    }

private:
    struct Entry {
        std::uint64_t head = 0;  ///< first_eight() of the text
        const char* text = nullptr;
        std::size_t size = 0;
        std::uint64_t value = 0;
    };

    /// So that late bytes have their say in all of the upper bits, which are what counts.
    [[nodiscard]] static std::uint64_t mixed(std::uint64_t eight) noexcept
    {
        constexpr std::uint64_t golden = 0x9E3779B97F4A7C15U;
        return (eight ^ (eight >> 32U)) * golden;
    }
    [[nodiscard]] static std::uint64_t mixed_long(std::string_view text) noexcept;
    [[nodiscard]] std::size_t home_of(std::uint64_t hash) const noexcept { return hash >> shift_; }

    std::uint64_t& at_long(std::uint64_t head, std::string_view text);
    std::uint64_t& add_short(std::size_t place, std::uint64_t head, std::size_t size);
    std::uint64_t& add(std::size_t place, std::uint64_t head, std::string_view text);
    void resize(unsigned bits);
    Entry& move_in(const Entry& entry);

    std::pmr::monotonic_buffer_resource texts_;
    std::vector<Entry> entries_;
    std::size_t size_ = 0;
    std::size_t mask_ = 0;
    unsigned shift_ = 0;
};

}  // namespace jobmill::handlers
