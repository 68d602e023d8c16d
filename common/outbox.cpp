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

std::optional<Bytes> read_outbox(const SegmentLayout& layout, std::uint64_t received)
{
    const std::uint64_t committed = layout.committed.load(std::memory_order_acquire);
    if (committed < received || committed - received > outbox_size) {
        return {};
    }
    Bytes copy(committed - received);
    const std::size_t start = received % outbox_size;
    const std::size_t first = std::min(copy.size(), outbox_size - start);
    const auto wrapped = std::copy_n(layout.outbox + start, first, copy.begin());
    std::copy_n(layout.outbox, copy.size() - first, wrapped);
    return copy;
}

}  // namespace jobmill
