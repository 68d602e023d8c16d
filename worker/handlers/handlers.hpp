// SPDX-License-Identifier: MIT
// The built-in handlers; docs and --help of builtins.cpp say what each does.
#pragma once

#include <string>

#include <jobmill/handler.hpp>

namespace jobmill::handlers {

/// The payload is the result; a large one travels on in the memory that it came in.
void echo(Job& job);

/// Payload: a duration. Wakes within 10 ms of a cancel.
void sleep(Job& job);

/// Payload: a decimal number n. Result: 0 + 1 + ... + n, added one by one on purpose.
std::string sum(Job& job);

}  // namespace jobmill::handlers
