// SPDX-License-Identifier: MIT
// A dead worker's segment, full of anything: what the daemon takes from it is bounded, and judged
// as any frame is.
#include <algorithm>
#include <memory>

#include "common/assert.hpp"
#include "common/outbox.hpp"
#include "common/progress_cell.hpp"
#include "common/utf8.hpp"
#include "tests/golden/samples.hpp"

using namespace jobmill;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const auto layout = std::make_unique<SegmentLayout>();
    ByteReader reader{std::as_bytes(std::span{data, size})};
    const auto committed = reader.number<std::uint64_t>();
    const auto received = reader.number<std::uint64_t>();
    layout->committed = committed;
    layout->written = committed;
    layout->progress.version = reader.number<std::uint64_t>();
    layout->progress.note_size = reader.number<std::uint64_t>();
    const ByteView ring = reader.rest().first(std::min(reader.rest().size(), outbox_size));
    for (std::size_t i = 0; i < ring.size(); ++i) {
        layout->outbox[(received + i) % outbox_size] = ring[i];
    }
    std::ranges::copy(text_of(ring.first(std::min(ring.size(), limits::progress_note))),
                      layout->progress.note);
    if (const auto progress = read_progress(layout->progress)) {
        JOBMILL_ASSERT(valid_utf8(progress->note));
    }

    const auto rest = read_outbox(*layout, received);
    if (!rest) {
        return 0;
    }
    JOBMILL_ASSERT(rest->size() == committed - received && rest->size() <= outbox_size);
    FrameSplitter splitter{Link::worker, Direction::to_daemon};
    splitter.feed(*rest);
    for (auto frame = splitter.next(); frame && *frame; frame = splitter.next()) {
        (void)decode_worker_report(**frame);
    }
    return 0;
}
