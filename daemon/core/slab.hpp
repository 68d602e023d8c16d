// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/assert.hpp"

namespace jobmill::core {

/// Empty blocks that stay of a table of all jobs: enough for 4,096 of them.
inline constexpr std::uint32_t kept_of_all_jobs = 16;

/// Places for many values of one type, by number: a value does not move, a place costs no more than
/// its value, and what is not needed any more is given back in blocks, so that a queue that was
/// long once does not keep its memory. Blocks are small where most owners have few values. So many
/// that are empty stay: what grows and shrinks all the time would allocate and clear them for ever.
template <typename T, std::uint32_t values_of_block = 256, std::uint32_t kept_blocks = 1>
class Slab {
public:
    using Place = std::uint32_t;

    /// A place with T{arguments...} in it.
    template <typename... Arguments>
    [[nodiscard]] Place take(Arguments&&... arguments)
    {
        if (roomy_ == none) {
            add_block();
        }
        const Place number = roomy_;
        Block& block = *blocks_[number];
        const Place at = block.first_free;
        ::new (&block.rooms[at].value) T{std::forward<Arguments>(arguments)...};
        block.first_free = block.next_free[at];
        empty_ -= block.used == 0 ? 1U : 0U;
        if (++block.used == block_size) {
            unlink(number);
        }
        return number * block_size + at;
    }

    void give_back(Place place)
    {
        std::destroy_at(&(*this)[place]);
        const Place number = place / block_size;
        Block& block = *blocks_[number];
        if (block.used == block_size) {
            link(number);
        }
        block.next_free[place % block_size] = block.first_free;
        block.first_free = static_cast<std::uint16_t>(place % block_size);
        if (--block.used == 0 && ++empty_ > kept_blocks) {
            --empty_;
            unlink(number);
            blocks_[number].reset();
            vacant_.push_back(number);
        }
    }

    [[nodiscard]] T& operator[](Place place)
    {
        return blocks_[place / block_size]->rooms[place % block_size].value;
    }
    [[nodiscard]] const T& operator[](Place place) const
    {
        return blocks_[place / block_size]->rooms[place % block_size].value;
    }

    /// Blocks that are held now; for tests.
    [[nodiscard]] std::size_t blocks() const noexcept { return blocks_.size() - vacant_.size(); }
    static constexpr Place block_size = values_of_block;

private:
    static constexpr Place none = UINT32_MAX;

    /// For a value, which is there while its place is taken: a fresh block is not written to.
    union Room {
        Room() noexcept {}   // NOLINT(modernize-use-equals-default): it would be deleted
        ~Room() noexcept {}  // NOLINT(modernize-use-equals-default)
        Room(const Room&) = delete;
        Room& operator=(const Room&) = delete;

        T value;
    };
    struct Block {
        Block() noexcept
        {
            for (std::uint16_t at = 0; at < block_size; ++at) {
                next_free[at] = static_cast<std::uint16_t>(at + 1);
            }
        }
        ~Block()
        {
            if constexpr (!std::is_trivially_destructible_v<T>) {
                std::bitset<block_size> is_free;
                for (Place at = first_free, left = block_size - used; left > 0; --left) {
                    is_free.set(at);
                    at = next_free[at];
                }
                for (Place at = 0; at < block_size; ++at) {
                    if (!is_free[at]) {
                        std::destroy_at(&rooms[at].value);
                    }
                }
            }
        }
        Block(const Block&) = delete;
        Block& operator=(const Block&) = delete;

        std::array<Room, block_size> rooms;
        std::array<std::uint16_t, block_size> next_free;
        std::uint16_t first_free = 0;
        std::uint16_t used = 0;
        /// Neighbours in the list of blocks that have room.
        Place previous = none;
        Place next = none;
    };

    void add_block()
    {
        Place number = static_cast<Place>(blocks_.size());
        if (vacant_.empty()) {
            blocks_.emplace_back();
        } else {
            number = vacant_.back();
            vacant_.pop_back();
        }
        blocks_[number] = std::make_unique<Block>();
        ++empty_;
        link(number);
    }

    void link(Place number)
    {
        Block& block = *blocks_[number];
        block.previous = none;
        block.next = roomy_;
        if (roomy_ != none) {
            blocks_[roomy_]->previous = number;
        }
        roomy_ = number;
    }

    void unlink(Place number)
    {
        const Block& block = *blocks_[number];
        (block.previous == none ? roomy_ : blocks_[block.previous]->next) = block.next;
        if (block.next != none) {
            blocks_[block.next]->previous = block.previous;
        }
    }

    std::vector<std::unique_ptr<Block>> blocks_;
    std::vector<Place> vacant_;  ///< numbers without a block
    Place roomy_ = none;         ///< the first block that has room
    std::uint32_t empty_ = 0;    ///< of these, without any value
};

}  // namespace jobmill::core
