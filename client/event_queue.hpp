// SPDX-License-Identifier: MIT
// The events that came and were not asked for yet, the oldest first.
#pragma once

#include <array>
#include <cstddef>
#include <memory_resource>
#include <utility>

#include <boost/container/deque.hpp>

#include "jobmill/client.hpp"

namespace jobmill {

class EventQueue {
public:
    [[nodiscard]] bool empty() const noexcept { return events_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }
    [[nodiscard]] const ClientEvent& operator[](std::size_t position) const noexcept
    {
        return events_[position];
    }

    /// Valid until the next call of push() or take().
    template <typename Event>
    const ClientEvent& push(Event event)
    {
        return events_.emplace_back(std::move(event));
    }

    /// Costs as many moves as there are events on that side of it where there are fewer.
    [[nodiscard]] ClientEvent take(std::size_t position)
    {
        ClientEvent event = std::move(events_[position]);
        if (position == 0) {
            events_.pop_front();
        } else {
            events_.erase(events_.nth(position));
        }
        return event;
    }

    /// Bytes that are kept for events to come.
    [[nodiscard]] std::size_t spare() const noexcept { return spare_.bytes(); }

private:
    /// In blocks of many: events come in batches, and one is made and freed for each few otherwise.
    static constexpr std::size_t in_a_block = 64;

    /// A thousand events come at a time and leave one by one, and each block is free once they
    /// have left it. The allocator would hand it to the kernel, and have it cleared anew for the
    /// next thousand; so a few are kept.
    class SpareBlocks : public std::pmr::memory_resource {
    public:
        SpareBlocks() = default;
        SpareBlocks(const SpareBlocks&) = delete;
        SpareBlocks& operator=(const SpareBlocks&) = delete;
        ~SpareBlocks() override
        {
            while (count_ > 0) {
                beyond_->deallocate(blocks_.at(--count_), block, alignof(ClientEvent));
            }
        }
        [[nodiscard]] std::size_t bytes() const noexcept { return count_ * block; }

    private:
        static constexpr std::size_t block = in_a_block * sizeof(ClientEvent);

        void* do_allocate(std::size_t bytes, std::size_t alignment) override
        {
            const bool one_is_spare = bytes == block && count_ > 0;
            return one_is_spare ? blocks_.at(--count_) : beyond_->allocate(bytes, alignment);
        }
        void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override
        {
            if (bytes == block && count_ < blocks_.size()) {
                blocks_.at(count_++) = memory;
            } else {
                beyond_->deallocate(memory, bytes, alignment);
            }
        }
        [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override
        {
            return this == &other;
        }

        std::pmr::memory_resource* beyond_ = std::pmr::new_delete_resource();
        std::array<void*, 16> blocks_{};
        std::size_t count_ = 0;
    };

    SpareBlocks spare_;
    boost::container::deque<
        ClientEvent, std::pmr::polymorphic_allocator<ClientEvent>,
        boost::container::deque_options_t<boost::container::block_size<in_a_block>>>
        events_{std::pmr::polymorphic_allocator<ClientEvent>{&spare_}};
};

}  // namespace jobmill
