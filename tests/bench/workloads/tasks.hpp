// SPDX-License-Identifier: MIT
// What the jobs of the workloads do, in C++: the same for jobmill's module, for the floors and for
// the peers whose workers are written in C or C++. A task travels as a short text: its kind's
// letter and its numbers, or its kind's letter and its bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jobmill::bench {

struct Task {
    enum class Kind : char { noop = 'n', spin = 's', echo = 'e', peek = 'p', words = 'w' };

    Kind kind = Kind::noop;
    std::uint64_t first = 0;   ///< microseconds to spin, or where in the file the words begin
    std::uint64_t second = 0;  ///< bytes of the file
    std::string_view bytes{};  ///< to echo, or to look at
};

/// Appends the text of the task.
void spell(const Task& task, std::string& to);

/// Does what the text says. The result lives until the next call, or as long as the text.
[[nodiscard]] std::string_view perform(std::string_view text);

/// The sum of the first bytes of all pages.
[[nodiscard]] std::string_view peek(std::string_view bytes);

/// Uses so much CPU time of this thread, whoever else runs: a job is the same work for everybody.
void spin(std::uint64_t microseconds);

/// The file that the words are counted in: $JOBMILL_BENCH_TEXT.
[[nodiscard]] const char* text_file();

}  // namespace jobmill::bench
