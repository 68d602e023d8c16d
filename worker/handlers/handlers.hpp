// SPDX-License-Identifier: MIT
// The built-in handlers.
#pragma once

#include <string>

#include <jobmill/handler.hpp>

namespace jobmill::handlers {

/// The payload is the result; a large one travels on in the memory that it came in.
void echo(Job& job);

/// Payload: a duration ("300ms", "2s", "1.5m"; seconds without a unit). Sleeps in slices, so that
/// it wakes within 10 ms of a cancel.
void sleep(Job& job);

/// Payload: a decimal number n. Result: 0 + 1 + ... + n, added one by one on purpose.
std::string sum(Job& job);

/// SHA-256 in hexadecimal, of the payload or of the file that `path`, `offset`, `length` name.
std::string sha256(Job& job);

/// Counts words of the payload, or of the file range `path`, `offset`, `length`; a word belongs to
/// the range in which it begins. A word is two or more ASCII letters in a row, taken as lower-case.
/// Result: lines "word TAB count" in no particular order.
void word_count(Job& job);

/// Adds up match_count per ngram over a file range `path`, `offset`, `length` of lines "ngram TAB
/// year TAB match_count TAB volume_count"; a line belongs to the range in which it begins. Result:
/// lines "ngram TAB sum" in no particular order. A malformed line is a failure that says where.
void ngram_count(Job& job);

/// Runs a command: `argv` (list), `cwd`, `env` (list of "K=V", replaces the worker's). Its standard
/// input is the payload, its output comes as chunks of streams 1 and 2; the result is empty. When
/// it ends, so does the job: what it left in the background is killed.
void exec(Job& job);

}  // namespace jobmill::handlers
