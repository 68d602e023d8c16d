// SPDX-License-Identifier: MIT
// Whether there is memory left to begin jobs with.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/cgroup_place.hpp"
#include "daemon/loop/timer.hpp"

namespace jobmill::daemon {

/// Where it is told.
struct MemorySources {
    std::string meminfo = "/proc/meminfo";
    std::optional<CgroupPlace> group = own_cgroup_place();
};

/// What can be had without pushing anything out: of the machine, or of the tightest control group
/// around us when that is less. None when nobody tells.
[[nodiscard]] std::optional<std::uint64_t> available_memory(const MemorySources& sources);

/// What `meminfo`, the text of /proc/meminfo, says of it.
[[nodiscard]] std::optional<std::uint64_t> available_in_machine(std::string_view meminfo);
/// In one control group, by the files of its directory; unlimited when it has no bound. What it
/// keeps of files and can drop at once does not count as used.
[[nodiscard]] std::uint64_t available_in_group(const std::string& directory);

/// Low below `min_free`, good again above a tenth more, in between as it was. What nobody tells is
/// not low: jobs would else wait for ever.
[[nodiscard]] bool low_memory(bool was_low, std::optional<std::uint64_t> available,
                              std::uint64_t min_free);

/// Looks again and again while it has something to watch for.
class MemoryWatch {
public:
    struct State {
        std::optional<std::uint64_t> available;  ///< when it was looked at last
        std::optional<std::uint64_t> min_free;   ///< none: not watched
        bool low = false;

        friend bool operator==(const State&, const State&) = default;
    };

    /// `on_change` is called when `low` has changed, from the loop or from within watch().
    [[nodiscard]] static Result<std::unique_ptr<MemoryWatch>> create(
        loop::EventLoop& loop, std::function<void(const State&)> on_change,
        MemorySources sources = {}, std::chrono::milliseconds period = std::chrono::seconds{1});

    /// From now on for so much, looking at once; none: no longer, and nothing is low.
    void watch(std::optional<std::uint64_t> min_free);
    [[nodiscard]] const State& state() const noexcept { return state_; }

private:
    MemoryWatch(std::function<void(const State&)> on_change, MemorySources sources,
                std::chrono::milliseconds period)
        : on_change_(std::move(on_change)), sources_(std::move(sources)), period_(period)
    {
    }
    void look();

    std::function<void(const State&)> on_change_;
    MemorySources sources_;
    std::chrono::milliseconds period_;
    std::optional<loop::Timer> timer_;
    State state_;
};

}  // namespace jobmill::daemon
