// SPDX-License-Identifier: MIT
// Every maximum of the protocol, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace jobmill::limits {

inline constexpr std::uint16_t protocol_version = 1;

/// A whole frame, header included, and a whole JSON line: bounds what a peer can make us buffer.
inline constexpr std::size_t frame = std::size_t{256} * 1024;

/// A payload that travels inside one frame. Above it, pieces (clients) or a blob (workers).
inline constexpr std::size_t inline_payload = std::size_t{64} * 1024;

/// One piece of a large message. Pieces of different jobs take turns, so none waits long.
inline constexpr std::size_t piece = std::size_t{64} * 1024;

/// The metadata map of a frame; its length field has 16 bits.
inline constexpr std::size_t meta = 65535;

/// Default of `max_payload`: the largest payload or result of one job.
inline constexpr std::uint64_t payload = std::uint64_t{1} << 30U;

/// Unfinished jobs, and their payload bytes, that one session may have.
inline constexpr std::uint32_t credit_jobs = 1024;
inline constexpr std::uint64_t credit_bytes = std::uint64_t{16} * 1024 * 1024;

/// Names of pools, handlers and of tags spelled in JSON; labels.
inline constexpr std::size_t name = 128;

/// Inputs of one job: their descriptors travel in one frame, beside that of a large payload.
inline constexpr std::size_t inputs = 8;

/// Handlers that one session may have opened.
inline constexpr std::size_t opened_handlers = 1024;

/// Refused submits of one session whose pieces are still to come.
inline constexpr std::size_t refused_uploads = 1024;

/// Labels that may have rules, by the configuration or an adjustment: one answer lists them all.
inline constexpr std::size_t labels = 256;

/// Nesting of JSON and MessagePack: deeper has no use here, and recursion must end.
inline constexpr std::size_t depth = 16;

/// Echoed by a ping.
inline constexpr std::size_t ping_payload = 1024;

/// Text of a failure, and the tail of a dead worker's standard error, in a result.
inline constexpr std::size_t cause_text = 4096;
inline constexpr std::size_t stderr_tail = 4096;

/// Attempts that a result tells of, the newest, and the size of each text of theirs: all of them
/// fit one frame beside the last one's cause.
inline constexpr std::size_t attempts = 16;
inline constexpr std::size_t attempt_text = 256;

/// Text beside a progress report; fits its place in the segment.
inline constexpr std::size_t progress_note = 152;

/// Descriptors that one frame may carry; the header has four bits.
inline constexpr std::size_t frame_descriptors = 15;

/// Jobs of one submit_many.
inline constexpr std::uint32_t submit_many = 10'000;
/// The same if each is judged by itself: each may be refused, with a text.
inline constexpr std::uint32_t submit_each = 256;

/// Times that a job may be given: ten years, so that sums of them cannot overflow.
inline constexpr std::int64_t time_ms = 315'360'000'000;
inline constexpr std::int64_t backoff_ms = 86'400'000;

/// More attempts of a job after one kind of failure: many, but an end.
inline constexpr std::int64_t retries = 1000;

/// A batch's halt rule; the longest has 21 bytes.
inline constexpr std::size_t halt = 32;

/// Jobs listed by one status reply; and what it lists of each other kind.
inline constexpr std::size_t status_jobs = 200;
inline constexpr std::size_t status_list = 200;

}  // namespace jobmill::limits
