// SPDX-License-Identifier: MIT
#pragma once

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
    /// Odd. As good as any for numbers that nobody chooses.
    static constexpr std::uint64_t golden = 0x9E3779B97F4A7C15U;

    /// `scatter` is odd; for numbers of others' choice, none that they can know.
    explicit NumberIndex(std::uint64_t scatter = golden);

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// None when there is none.
    template <typename NumberOf>
    [[nodiscard]] Place find(std::uint64_t number, NumberOf number_of) const
    {
        std::size_t at = home_of(number);
        while (places_[at] != none && number_of(places_[at]) != number) {
            at = after(at);
        }
        return places_[at];
    }
    /// The number must be new.
    template <typename NumberOf>
    void add(Place place, NumberOf number_of)
    {
        if (++size_ * 2 > places_.size()) {
            resize(places_.size() * 2, number_of);
        }
        enter(place, number_of);
    }
    /// It must be there.
    template <typename NumberOf>
    void remove(Place place, NumberOf number_of)
    {
        std::size_t hole = home_of(number_of(place));
        while (places_[hole] != place) {
            JOBMILL_ASSERT(places_[hole] != none);
            hole = after(hole);
        }
        // What was pushed past the hole moves back into it, so that no search stops there too
        // early.
        const std::size_t mask = places_.size() - 1;
        for (std::size_t at = after(hole); places_[at] != none; at = after(at)) {
            const std::size_t home = home_of(number_of(places_[at]));
            if (((at - home) & mask) >= ((at - hole) & mask)) {
                places_[hole] = places_[at];
                hole = at;
            }
        }
        places_[hole] = none;
        if (--size_ * 16 < places_.size() && places_.size() > kept) {
            resize(places_.size() / 4, number_of);
        }
    }
    /// Calls visit(place) for all of them, in no order.
    template <typename Visitor>
    void each(Visitor visit) const
    {
        for (const Place place : places_) {
            if (place != none) {
                visit(place);
            }
        }
    }

private:
    /// Up to here it does not shrink: it would with every burst, to grow again with the next.
    static constexpr std::size_t kept = std::size_t{16} * 1024;
    /// So many numbers in a row lie in a row, which is a line of the processor's cache.
    static constexpr std::size_t row = 16;

    [[nodiscard]] std::size_t after(std::size_t at) const
    {
        return (at + 1) & (places_.size() - 1);
    }
    [[nodiscard]] std::size_t home_of(std::uint64_t number) const;

    template <typename NumberOf>
    void enter(Place place, NumberOf number_of)
    {
        std::size_t at = home_of(number_of(place));
        while (places_[at] != none) {
            at = after(at);
        }
        places_[at] = place;
    }
    template <typename NumberOf>
    void resize(std::size_t size, NumberOf number_of)
    {
        std::vector<Place> old(size, none);
        old.swap(places_);
        for (const Place place : old) {
            if (place != none) {
                enter(place, number_of);
            }
        }
    }

    std::vector<Place> places_;
    std::size_t size_ = 0;
    std::uint64_t scatter_;
};

}  // namespace jobmill::core
