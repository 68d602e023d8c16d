// SPDX-License-Identifier: MIT
// Loads what a pool's handlers are made of: the built-in ones and modules.
#pragma once

#include "worker/handler_table.hpp"
#include "worker/options.hpp"

namespace jobmill {

/// Whether loading may leave threads behind: not where the process is to be forked.
enum class Threads { refused, allowed };

/// Tells an error that cannot be returned: what a module's static constructors throw does not pass
/// dlopen(), it ends in std::terminate(). The process leaves with 78 afterwards.
using LastResort = void (*)(const LoadError&);

[[nodiscard]] Loading<HandlerTable> load_handlers(const LoadOptions& options, Threads threads,
                                                  LastResort last_resort);

}  // namespace jobmill
