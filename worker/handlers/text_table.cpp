// SPDX-License-Identifier: MIT
#include "worker/handlers/text_table.hpp"

#include <array>
#include <cstring>

namespace jobmill::handlers {
namespace {

constexpr unsigned first_bits = 10;
/// Four times as large each time: what has to move once more each time is a third in all.
constexpr unsigned bits_more = 2;

constexpr std::size_t first_texts = std::size_t{16} * 1024;

}  // namespace

TextTable::TextTable() : texts_(first_texts)
{
    resize(first_bits);
}

std::uint64_t TextTable::mixed_long(std::string_view text) noexcept
{
    std::uint64_t hash = mixed(text.size());
    for (; text.size() > sizeof hash; text.remove_prefix(sizeof hash)) {
        hash = mixed(hash ^ load_eight(text.data()));
    }
    return mixed(hash ^ first_eight(text));
}

std::uint64_t& TextTable::at_long(std::uint64_t head, std::string_view text)
{
    for (std::size_t i = home_of(mixed_long(text));; i = (i + 1) & mask_) {
        Entry& entry = entries_[i];
        if (entry.text == nullptr) {
            return add(i, head, text);
        }
        if (entry.head == head && std::string_view{entry.text, entry.size} == text) {
            return entry.value;
        }
    }
}

std::uint64_t& TextTable::add_short(std::size_t place, std::uint64_t head, std::size_t size)
{
    std::array<char, sizeof head> bytes{};
    std::memcpy(bytes.data(), &head, sizeof head);
    return add(place, head, {bytes.data(), size});
}

std::uint64_t& TextTable::add(std::size_t place, std::uint64_t head, std::string_view text)
{
    auto* kept = static_cast<char*>(texts_.allocate(text.size() + 1, 1));
    std::memcpy(kept, text.data(), text.size());
    entries_[place] = {.head = head, .text = kept, .size = text.size()};
    // At three quarters. The place is another one then.
    if (++size_ > entries_.size() / 4 * 3) {
        const Entry added = entries_[place];
        entries_[place] = {};
        resize(64 - shift_ + bits_more);
        return move_in(added).value;
    }
    return entries_[place].value;
}

void TextTable::resize(unsigned bits)
{
    std::vector<Entry> old(std::size_t{1} << bits);
    old.swap(entries_);
    mask_ = entries_.size() - 1;
    shift_ = 64 - bits;
    for (const Entry& entry : old) {
        if (entry.text != nullptr) {
            move_in(entry);
        }
    }
}

TextTable::Entry& TextTable::move_in(const Entry& entry)
{
    const std::string_view text{entry.text, entry.size};
    std::size_t i =
        home_of(text.size() <= sizeof entry.head ? mixed(entry.head) : mixed_long(text));
    while (entries_[i].text != nullptr) {
        i = (i + 1) & mask_;
    }
    return entries_[i] = entry;
}

}  // namespace jobmill::handlers
