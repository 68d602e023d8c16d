// SPDX-License-Identifier: MIT
// What a job takes, measured in the worker that runs it: CPU time of this process and of children
// that were reaped meanwhile, and the most memory that was resident. The kernel counts for the
// process, so a job's share is what was added since readings before it. Jobs of a millisecond and
// more get an exact one, amid a row of tiny ones those of 4 ms and more; for shorter ones readings
// would cost more than they tell.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/unique_fd.hpp"
#include "jobmill/job_state.hpp"

namespace jobmill {

/// Bytes of blobs that a worker has mapped: those that the job asked for, and those of earlier
/// ones.
struct SharedMemory {
    std::uint64_t own = 0;
    std::uint64_t others = 0;
};

class UsageMeter {
public:
    /// Keeps two files of /proc/self open. Where they cannot be had, peaks stay unknown.
    UsageMeter();

    /// A job begins; `now` is CLOCK_MONOTONIC in ns. True when readings were taken, and it is
    /// later.
    bool begin(std::uint64_t now) noexcept;

    /// What `peak_before` of the segment is to be for the job that has begun.
    [[nodiscard]] std::uint64_t peak_before() const noexcept;
    /// What had been taken when the job began, by the last reading and the clock.
    [[nodiscard]] std::uint64_t cpu_before() const noexcept { return cpu_before_; }

    /// It has ended, and its children are reaped.
    [[nodiscard]] Usage end(std::uint64_t run_ns, SharedMemory shared = {}) noexcept;

private:
    /// Notes what the children had at most, too.
    [[nodiscard]] std::uint64_t cpu_ns() noexcept;

    UniqueFd clear_refs_;
    UniqueFd status_;
    std::uint64_t read_at_ = 0;  ///< when the readings were taken
    std::uint64_t age_ = 0;      ///< of them when the job began, in ns
    std::uint64_t cpu_before_ = 0;
    std::uint64_t others_peak_ = 0;  ///< of children, and of the program before this one, in bytes
    std::optional<std::uint64_t> last_peak_;
};

/// Bytes that a text as of /proc/PID/status names as VmHWM; 0: it names none.
[[nodiscard]] std::uint64_t peak_rss_in(std::string_view status) noexcept;

/// The same for RssShmem: what is resident of blobs.
[[nodiscard]] std::uint64_t shared_rss_in(std::string_view status) noexcept;

/// The peak by such a file that is open.
[[nodiscard]] std::uint64_t read_peak_rss(int status) noexcept;

}  // namespace jobmill
