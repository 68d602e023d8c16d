// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/assert.hpp"

namespace jobmill::core {

/// Where a table keeps what has a number; the numbers rise from one to the next, mostly. Open
/// addressing with linear probing, at most half full, of places alone: the table is asked which
/// number a place has, `number_of(place)`.
class NumberIndex {
public:
    using Place = std::uint32_t;
    static constexpr Place none = UINT32_MAX;
    /// So many at most: more than there are jobs.
    static constexpr Place most_places = Place{1} << 28U;
    /// Odd. As good as any for numbers that nobody chooses.
    static constexpr std::uint64_t golden = 0x9E3779B97F4A7C15U;

    /// So many slots one may keep of which there are thousands, and one of which there is one.
    static constexpr std::size_t kept_of_many = std::size_t{4} * 1024;
    static constexpr std::size_t kept_of_one = std::size_t{128} * 1024;

    /// Does not shrink below `kept` slots: it would with every burst, to grow again with the next.
    explicit NumberIndex(std::size_t kept) : NumberIndex(kept, golden) {}
    /// `scatter` is odd; for numbers of others' choice, none that they can know.
    NumberIndex(std::size_t kept, std::uint64_t scatter);

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Slots that are held now; for tests.
    [[nodiscard]] std::size_t slots() const noexcept { return slots_.size(); }
    /// None when there is none.
    template <typename NumberOf>
    [[nodiscard]] Place find(std::uint64_t number, NumberOf number_of) const
    {
        const Slot found = slot(position_of(number, number_of));
        return found.empty() ? none : found.place();
    }
    /// False, and nothing is added, when another place has that number. The place is below
    /// `most_places`.
    template <typename NumberOf>
    [[nodiscard]] bool add(Place place, NumberOf number_of)
    {
        JOBMILL_ASSERT(place < most_places);
        if ((size_ + 1) * 2 > slots_.size()) {
            resize(slots_.size() * 2, number_of);
        }
        const bool added = put(place, number_of);
        size_ += added ? 1 : 0;
        return added;
    }
    /// It must be there.
    template <typename NumberOf>
    void remove(Place place, NumberOf number_of)
    {
        std::size_t hole = home_of(number_of(place));
        while (slot(hole).empty() || slot(hole).place() != place) {
            JOBMILL_ASSERT(!slot(hole).empty());
            hole = after(hole);
        }
        clear(hole, number_of);
    }
    /// Removes what has that number; none when there is nothing.
    template <typename NumberOf>
    [[nodiscard]] Place take(std::uint64_t number, NumberOf number_of)
    {
        const std::size_t at = position_of(number, number_of);
        if (slot(at).empty()) {
            return none;
        }
        const Place place = slot(at).place();
        clear(at, number_of);
        return place;
    }
    /// Calls visit(place) for all of them, in no order.
    template <typename Visitor>
    void each(Visitor visit) const
    {
        for (const Slot slot : slots_) {
            if (!slot.empty()) {
                visit(slot.place());
            }
        }
    }

private:
    /// So many numbers in a row lie in a row, which is a line of the processor's cache, each in
    /// another column. What finds its slot taken goes down its column, past few others; numbers
    /// that go by row would find a full one in their way.
    static constexpr std::size_t row = 16;
    /// So far from its home, or farther.
    static constexpr std::size_t far = 14;

    /// A place, and how far it is from where a search for its number begins: so it need not be
    /// asked for its number when another leaves.
    class Slot {
    public:
        Slot() = default;
        Slot(Place place, std::size_t away)
            : bits_(static_cast<std::uint32_t>(std::min(away, far)) << 28U | place)
        {
        }
        [[nodiscard]] bool empty() const { return bits_ == UINT32_MAX; }
        [[nodiscard]] Place place() const { return bits_ & (most_places - 1); }
        [[nodiscard]] std::size_t away() const { return bits_ >> 28U; }

    private:
        std::uint32_t bits_ = UINT32_MAX;
    };

    [[nodiscard]] std::size_t after(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }
    [[nodiscard]] std::size_t home_of(std::uint64_t number) const;
    /// Positions go down the first column, then the second.
    [[nodiscard]] std::size_t index_of(std::size_t position) const
    {
        const std::size_t rows = slots_.size() / row;
        return (position & (rows - 1)) * row + (position >> row_bits_);
    }
    [[nodiscard]] Slot& slot(std::size_t position) { return slots_[index_of(position)]; }
    [[nodiscard]] const Slot& slot(std::size_t position) const
    {
        return slots_[index_of(position)];
    }

    /// Of the slot with that number, or else the one where it would be put.
    template <typename NumberOf>
    [[nodiscard]] std::size_t position_of(std::uint64_t number, NumberOf number_of) const
    {
        std::size_t at = home_of(number);
        while (!slot(at).empty() && number_of(slot(at).place()) != number) {
            at = after(at);
        }
        return at;
    }
    template <typename NumberOf>
    bool put(Place place, NumberOf number_of)
    {
        const std::uint64_t number = number_of(place);
        const std::size_t at = position_of(number, number_of);
        if (!slot(at).empty()) {
            return false;
        }
        slot(at) = Slot{place, (at - home_of(number)) & (slots_.size() - 1)};
        return true;
    }
    template <typename NumberOf>
    void clear(std::size_t hole, NumberOf number_of)
    {
        // What was pushed past the hole moves back into it, so that no search stops there too
        // early.
        const std::size_t mask = slots_.size() - 1;
        for (std::size_t at = after(hole); !slot(at).empty(); at = after(at)) {
            std::size_t away = slot(at).away();
            if (away == far) {
                away = (at - home_of(number_of(slot(at).place()))) & mask;
            }
            const std::size_t back = (at - hole) & mask;
            if (away >= back) {
                slot(hole) = Slot{slot(at).place(), away - back};
                hole = at;
            }
        }
        slot(hole) = {};
        if (--size_ * 16 < slots_.size() && slots_.size() > kept_) {
            resize(std::max(slots_.size() / 4, kept_), number_of);
        }
    }
    template <typename NumberOf>
    void resize(std::size_t size, NumberOf number_of)
    {
        std::vector<Slot> old(size);
        old.swap(slots_);
        row_bits_ = bits_of_rows();
        for (const Slot each : old) {
            if (!each.empty()) {
                put(each.place(), number_of);
            }
        }
    }

    [[nodiscard]] unsigned bits_of_rows() const
    {
        return static_cast<unsigned>(std::countr_zero(slots_.size() / row));
    }

    std::size_t kept_;
    std::vector<Slot> slots_;
    unsigned row_bits_;
    std::size_t size_ = 0;
    std::uint64_t scatter_;
};

}  // namespace jobmill::core
