// SPDX-License-Identifier: MIT
// Identifiers that cannot be mixed up. Each is a plain number on the wire.
#pragma once

#include <cstdint>
#include <functional>

namespace jobmill {

/// The daemon's own number of a job: never reused, not across restarts either. 0 is no job.
enum class JobId : std::uint64_t {};

/// The client's number of a job, unique among its session's unfinished jobs.
enum class Tag : std::uint64_t {};

/// One connection of a client.
enum class SessionId : std::uint64_t {};

/// Position of a pool in the configuration.
enum class PoolId : std::uint16_t {};

/// The numbered place that successive worker processes fill; numbered from 1 through all pools.
enum class SlotId : std::uint32_t {};

/// Counts the offers made to one worker process; never reused within it. Starts at 1.
enum class Sequence : std::uint64_t {};

/// One worker process: the `generation`-th that fills its slot.
struct WorkerId {
    SlotId slot{};
    std::uint32_t generation = 0;

    friend bool operator==(const WorkerId&, const WorkerId&) = default;
    friend auto operator<=>(const WorkerId&, const WorkerId&) = default;
};

/// The number behind an identifier.
template <typename Id>
[[nodiscard]] constexpr auto number(Id id) noexcept
{
    return static_cast<std::underlying_type_t<Id>>(id);
}

}  // namespace jobmill

template <>
struct std::hash<jobmill::WorkerId> {
    std::size_t operator()(const jobmill::WorkerId& worker) const noexcept
    {
        return std::hash<std::uint64_t>{}(std::uint64_t{jobmill::number(worker.slot)} << 32U |
                                          worker.generation);
    }
};
