// SPDX-License-Identifier: MIT
// The handlers of a pool, in the order in which they were loaded: a handler's number on the worker
// link is its position here.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <jobmill/module.h>
#include <tl/expected.hpp>

#include "jobmill/value.hpp"

namespace jobmill {

struct LoadedHandler {
    std::string name;
    std::string help;
    std::string module;
    jobmill_run run = nullptr;
    void* context = nullptr;
    bool runs_commands = false;  ///< it is exec: its jobs' limits are for the command
    bool interruptible = false;  ///< it runs in a runtime, which ends it when SIGTERM comes
};

/// Why a module cannot be used; `text` is a sentence that names it.
struct LoadError {
    std::string module;
    std::string text;
};

template <typename T>
using Loading = tl::expected<T, LoadError>;

[[nodiscard]] tl::unexpected<LoadError> cannot_load(std::string_view module, std::string text);

class HandlerTable {
public:
    /// `module` says in errors whose handler it is. Refuses a name that is taken or malformed.
    [[nodiscard]] Loading<void> add(const jobmill_handler& handler, std::string_view module);
    /// Those from number `first` on.
    void make_interruptible(std::size_t first);

    [[nodiscard]] std::span<const LoadedHandler> all() const noexcept { return handlers_; }

    /// What the template tells the daemon: {"handlers": [{"name", "help", "module"}, ...]}.
    [[nodiscard]] Value describe() const;

private:
    std::vector<LoadedHandler> handlers_;
};

}  // namespace jobmill
