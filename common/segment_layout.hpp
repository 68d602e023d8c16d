// SPDX-License-Identifier: MIT
// What lies in a worker's shared-memory segment, at which offset. One segment belongs to one worker
// process: the daemon makes it, that worker and the daemon map it, nobody else. Plain words and
// bytes only: no lock, no pointer, no free list. Whatever the worker can write the daemon reads
// once into a local and then judges.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "common/limits.hpp"

namespace jobmill {

using SharedWord = std::atomic<std::uint64_t>;
static_assert(SharedWord::is_always_lock_free && sizeof(SharedWord) == 8);

inline constexpr std::size_t claim_slot_count = 256;
inline constexpr std::size_t outbox_size = std::size_t{256} * 1024;
/// A worker whose job waits, for a command or for its reader, renews its heartbeat so often, in ms.
inline constexpr int heartbeat_ms = 250;
inline constexpr std::uint64_t no_peak_known = UINT64_MAX;          ///< in `peak_before`
inline constexpr std::uint64_t segment_magic = 0x31304c4c494d424a;  // "JBMILL01"

struct SegmentLayout {
    // Written by the daemon before the worker is forked.
    std::uint64_t magic = 0;
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    std::byte reserved0[48] = {};

    /// Daemon to worker: the sequence of the job that should stop; 0: none.
    alignas(64) SharedWord cancel;

    /// Daemon to worker: so many bytes of the worker's outgoing stream the daemon had when it
    /// looked into the outbox. They are sent nevertheless, but nobody waits for them.
    SharedWord taken;

    /// Daemon to worker: the most bytes that a result may have, and a chunk that is not inline; 0:
    /// there is no bound.
    SharedWord max_payload;

    /// Worker to daemon: CLOCK_MONOTONIC in ns when it last showed that it lives.
    alignas(64) SharedWord heartbeat;

    /// Worker to daemon: the sequence of the last job that asked whether it should stop.
    SharedWord looked;

    /// Worker to daemon: when it dies, the kernel's word for the most memory that it had tells of
    /// its job only if it is more than these bytes, which something before the job had.
    /// no_peak_known: it tells nothing of the job.
    SharedWord peak_before;

    /// Worker to daemon: the CPU time in ns, its children's included, that it had taken when its
    /// job began.
    SharedWord cpu_before;

    /// Worker to daemon: one more than the number of the CPU on which it began its last job; 0: it
    /// is not known.
    SharedWord cpu;

    /// Worker to daemon. `version` is odd while the worker writes; a reader takes the rest only
    /// between two equal even readings.
    struct Progress {
        SharedWord version;
        SharedWord sequence;
        SharedWord done;
        SharedWord total;
        SharedWord note_size;
        char note[limits::progress_note] = {};
    };
    alignas(64) Progress progress;

    /// Written by the crash handler of a dying worker: at most `last_words_size` bytes count.
    SharedWord last_words_size;
    char last_words[1016] = {};

    /// Worker to daemon: the end of the last whole frame in the outbox, in bytes since the
    /// worker's start. Grows only.
    alignas(64) SharedWord committed;

    /// Worker to daemon: the end of the frame that is being written, before its first byte is.
    SharedWord written;

    /// {sequence:62, state:2}; the job with sequence s has the word s mod 256.
    alignas(64) SharedWord claims[claim_slot_count];

    /// A ring: byte n of the worker's outgoing stream is at n mod outbox_size.
    alignas(4096) std::byte outbox[outbox_size] = {};

    /// Written by the worker's handler of SIGQUIT: where it was, as text. At most the first
    /// `stack_size` bytes count; 0: it has not answered yet.
    SharedWord stack_size;
    char stack[4088] = {};
};

static_assert(offsetof(SegmentLayout, cancel) == 64);
static_assert(offsetof(SegmentLayout, taken) == 72);
static_assert(offsetof(SegmentLayout, max_payload) == 80);
static_assert(offsetof(SegmentLayout, heartbeat) == 128);
static_assert(offsetof(SegmentLayout, looked) == 136);
static_assert(offsetof(SegmentLayout, peak_before) == 144);
static_assert(offsetof(SegmentLayout, cpu_before) == 152);
static_assert(offsetof(SegmentLayout, cpu) == 160);
static_assert(offsetof(SegmentLayout, progress) == 192);
static_assert(offsetof(SegmentLayout, last_words_size) == 384);
static_assert(offsetof(SegmentLayout, committed) == 1408);
static_assert(offsetof(SegmentLayout, written) == 1416);
static_assert(offsetof(SegmentLayout, claims) == 1472);
static_assert(offsetof(SegmentLayout, outbox) == 4096);
static_assert(offsetof(SegmentLayout, stack_size) == 4096 + outbox_size);
static_assert(offsetof(SegmentLayout, stack) == 4096 + outbox_size + 8);
static_assert(sizeof(SegmentLayout) == 8192 + outbox_size);
static_assert(outbox_size >= limits::frame, "the largest frame must fit the ring");

}  // namespace jobmill
