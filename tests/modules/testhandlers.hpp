// SPDX-License-Identifier: MIT
// Handlers that misbehave, or show what a worker is made of. The payload is their argument.
#pragma once

#include <cstdint>
#include <string>

#include <jobmill/handler.hpp>

namespace testhandlers {

using jobmill::Job;

/// The payload as a number, or the fallback when it is empty.
[[nodiscard]] std::uint64_t number_of(const Job& job, std::uint64_t fallback);

// crashes.cpp
void segv(Job& job);
void abort(Job& job);
void fpe(Job& job);
void kill(Job& job);         ///< SIGKILL to itself
void exit(Job& job);         ///< payload: the code
void hang(Job& job);         ///< for ever, whatever it is asked
void ignore_term(Job& job);  ///< the same, with SIGTERM blocked; emits a chunk first
void throw_error(Job& job);  ///< std::runtime_error with the payload
void throw_int(Job& job);

// families.cpp
std::string fork_tree(Job& job);  ///< payload: how many; result: their pids, a line each
void fork_hold(Job& job);         ///< emits the pid of a child, then both wait for ever

// outputs.cpp
void chunks(Job& job);       ///< args: count, size
void big(Job& job);          ///< payload: size of the result
void progress(Job& job);     ///< payload: steps
void stderr_spam(Job& job);  ///< payload: MiB
std::string fds(Job& job);   ///< a line "number target" each
std::string env(Job& job);
std::string pid(Job& job);
std::string counter(Job& job);  ///< how many times this process ran it
std::string until_cancelled(Job& job);

// sabotage.cpp
void scribble(Job& job);      ///< payload "crash": aborts afterwards
void garbage_link(Job& job);  ///< random bytes to the daemon
void leak(Job& job);          ///< payload: bytes

}  // namespace testhandlers
