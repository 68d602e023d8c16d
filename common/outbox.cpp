// SPDX-License-Identifier: MIT
#include "common/outbox.hpp"

#include <algorithm>
#include <cstring>

namespace jobmill {

bool OutboxWriter::commit(ByteView frame) noexcept
{
    if (frame.size() > outbox_size - (committed_ - sent_)) {
        return false;
    }
    const std::size_t start = committed_ % outbox_size;
    const std::size_t first = std::min(frame.size(), outbox_size - start);
    std::memcpy(layout_.outbox + start, frame.data(), first);
    std::memcpy(layout_.outbox, frame.data() + first, frame.size() - first);
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
    std::memcpy(copy.data(), layout.outbox + start, first);
    std::memcpy(copy.data() + first, layout.outbox, copy.size() - first);
    return copy;
}

}  // namespace jobmill
