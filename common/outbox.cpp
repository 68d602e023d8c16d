// SPDX-License-Identifier: MIT
#include "common/outbox.hpp"

#include <algorithm>

namespace jobmill {

bool OutboxWriter::commit(ByteView frame) noexcept
{
    if (frame.size() > outbox_size - (committed_ - sent_)) {
        return false;
    }
    const std::size_t start = committed_ % outbox_size;
    const std::size_t first = std::min(frame.size(), outbox_size - start);
    layout_.written.store(committed_ + frame.size(), std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    std::ranges::copy(frame.first(first), layout_.outbox + start);
    std::ranges::copy(frame.subspan(first), layout_.outbox);
    committed_ += frame.size();
    layout_.committed.store(committed_, std::memory_order_release);
    return true;
}

ByteView OutboxWriter::unsent() const noexcept
{
    const std::size_t start = sent_ % outbox_size;
    const std::size_t size = std::min<std::uint64_t>(committed_ - sent_, outbox_size - start);
    return {layout_.outbox + start, size};
}

bool read_outbox(const SegmentLayout& layout, std::uint64_t received, Bytes& to)
{
    const std::uint64_t committed = layout.committed.load(std::memory_order_acquire);
    if (committed < received || committed - received > outbox_size) {
        return false;
    }
    to.resize(committed - received);
    const std::size_t start = received % outbox_size;
    const std::size_t first = std::min(to.size(), outbox_size - start);
    const auto wrapped = std::copy_n(layout.outbox + start, first, to.begin());
    std::copy_n(layout.outbox, to.size() - first, wrapped);
    std::atomic_thread_fence(std::memory_order_acquire);
    return layout.written.load(std::memory_order_relaxed) - received <= outbox_size;
}

}  // namespace jobmill
