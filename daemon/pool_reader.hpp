// SPDX-License-Identifier: MIT
// The tables [pool.NAME] and [label.NAME] of a configuration.
#pragma once

#include <vector>

#include "daemon/pool_settings.hpp"
#include "daemon/toml_reader.hpp"

namespace jobmill::daemon {

/// In the order of the file; none when it has no such table.
[[nodiscard]] std::vector<PoolSettings> read_pools(TomlReader& reader, const toml::table& root);
/// By name.
[[nodiscard]] std::vector<LabelSettings> read_labels(TomlReader& reader, const toml::table& root);

}  // namespace jobmill::daemon
