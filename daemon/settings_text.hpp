// SPDX-License-Identifier: MIT
// Settings as people read them, to tell what a reload has changed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/config.hpp"

namespace jobmill::daemon {

/// Two that are equal have the same text, two that differ have not.
struct Setting {
    std::string_view key;
    std::string text;
    std::string_view when{};  ///< a change comes into force, if not for all and at once
};

/// What can change while the pool works. A pool with a worker for each core counts `cores`.
[[nodiscard]] std::vector<Setting> adjustable_settings(const PoolSettings& pool,
                                                       std::uint32_t cores);
/// Keys of what can only change with the template and all workers.
[[nodiscard]] std::vector<std::string_view> fixed_differences(const PoolSettings& one,
                                                              const PoolSettings& other);
[[nodiscard]] std::vector<Setting> settings_of(const LabelSettings& label);
/// All but pools and labels, and but what needs a restart.
[[nodiscard]] std::vector<Setting> settings_of(const Config& config);

/// "timeout 1h -> 30m" for each that differs; both lists have the same keys.
[[nodiscard]] std::vector<std::string> differences(const std::vector<Setting>& now,
                                                   const std::vector<Setting>& wanted);

}  // namespace jobmill::daemon
