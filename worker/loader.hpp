// SPDX-License-Identifier: MIT
// Loads what a pool's handlers are made of: the built-in ones, modules, and what a runtime brings.
#pragma once

#include "worker/handler_table.hpp"
#include "worker/options.hpp"
#include "worker/runtime.hpp"

namespace jobmill {

/// Whether loading may leave threads behind: not where the process is to be forked.
enum class Threads { refused, allowed };

/// Tells an error that cannot be returned: what a module's static constructors throw does not pass
/// dlopen(), it ends in std::terminate(). The process leaves with 78 afterwards.
using LastResort = void (*)(const LoadError&);

[[nodiscard]] Loading<HandlerTable> load_handlers(const LoadOptions& options,
                                                  const Runtime& runtime, Threads threads,
                                                  LastResort last_resort);

}  // namespace jobmill
