// SPDX-License-Identifier: MIT
// What a table [pool.NAME] says of the interpreter that its workers are.
#pragma once

#include "daemon/pool_settings.hpp"
#include "daemon/toml_reader.hpp"

namespace jobmill::daemon {

/// runtime, interpreter, preload and initializer.
void read_python(TomlReader& reader, const toml::table& table, PoolSettings& pool);

}  // namespace jobmill::daemon
