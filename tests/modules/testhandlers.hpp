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
void block(Job& job);        ///< sleeps for ever, whatever it is asked; emits a chunk first
void frozen(Job& job);       ///< SIGSTOP to itself
void die(Job& job);          ///< payload: the signal, "SIGXCPU"
void throw_error(Job& job);  ///< std::runtime_error with the payload
void throw_int(Job& job);

// families.cpp
std::string fork_tree(Job& job);  ///< payload: how many; result: their pids, a line each
void tree_hold(Job& job);         ///< the same, but emits the pids and then waits for ever
void fork_hold(Job& job);         ///< emits the pid of a child, then both wait for ever

// hogs.cpp
void cpu(Job& job);                ///< payload: milliseconds of CPU time
std::string eat(Job& job);         ///< payload: bytes to have and touch
void allocate(Job& job);           ///< malloc and free for ever
std::string forkbomb(Job& job);    ///< payload: most forks; result: how many it could have
void write_file(Job& job);         ///< args: path; payload: bytes
std::string open_files(Job& job);  ///< payload: most; result: how many it could have

// outputs.cpp
void chunks(Job& job);       ///< args: count, size
void peek(Job& job);         ///< result: the sum of the first bytes of all pages of the payload
void inputs(Job& job);       ///< result: payload and inputs, a line each;
                             ///< payload "missing": asks for one more
void big(Job& job);          ///< payload: size of the result
void blank(Job& job);        ///< the same, and writes nothing there
void shorten(Job& job);      ///< the same; the result is the first half, then emits the whole
void progress(Job& job);     ///< payload: steps
void alive(Job& job);        ///< payload: how often it shows life, 5 ms apart
void stderr_spam(Job& job);  ///< payload: MiB
void confess(Job& job);      ///< leaves traces; payload: "fail" now, "yield" when cancelled, "hold"
std::string fds(Job& job);   ///< a line "number target" each
std::string env(Job& job);
std::string pid(Job& job);
/// What a child that is forked and sent each of some signals dies of.
std::string child_signals(Job& job);
std::string counter(Job& job);  ///< how many times this process ran it
std::string until_cancelled(Job& job);
std::string stops_if_cancelled(Job& job);

// manners.cpp
void spoil(Job& job);         ///< payload: what of the process it changes: "umask", "cwd", …
std::string state(Job& job);  ///< what may be changed, a line each

// sabotage.cpp
void forget_bound(Job& job);  ///< of results: makes a larger one, or (payload "chunk") emits it
void scribble(Job& job);      ///< payload "crash": aborts afterwards
void garbage_link(Job& job);  ///< random bytes to the daemon; "stay": waits for what comes of it
void leak(Job& job);          ///< payload: bytes

}  // namespace testhandlers
