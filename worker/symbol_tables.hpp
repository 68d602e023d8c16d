// SPDX-License-Identifier: MIT
// Names of functions for a stack that is taken in a signal handler. The loader knows what an object
// exports; modules export one function, and the names of all others are in a table of their file
// that is not loaded. These tables are mapped early, and searched without allocating.
#pragma once

#include <cstdint>

namespace jobmill {

/// Maps the tables of all objects that are loaded now and have one. The first call counts.
void map_symbol_tables();

struct FoundSymbol {
    const char* name = nullptr;  ///< as in the object, so mangled; null: not known
    std::uintptr_t start = 0;
};

[[nodiscard]] FoundSymbol find_symbol(std::uintptr_t address) noexcept;

}  // namespace jobmill
