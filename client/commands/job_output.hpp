// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

#include "client/commands/spool.hpp"
#include "jobmill/result.hpp"
#include "jobmill/stream.hpp"

namespace jobmill::commands {

/// One job's output, kept until it can be printed without mixing it with another's.
class JobOutput {
public:
    [[nodiscard]] Result<void> add(Stream stream, ByteView bytes);

    /// A line of standard output even if there is nothing to print on it.
    void want_line() noexcept { line_wanted_ = true; }

    /// Prints until nothing is left or the output waits for its reader, the streams in the order in
    /// which they came. With a prefix, every line of standard output begins with it. The last line
    /// gets its newline. False when the output cannot be written.
    [[nodiscard]] bool print_some(std::string_view prefix);
    /// The last newline too.
    [[nodiscard]] bool printed() const noexcept { return printed_; }
    /// All of it, whether the output waits or not.
    [[nodiscard]] bool print(std::string_view prefix);

private:
    [[nodiscard]] bool print_part(std::string_view prefix);

    Spool records_{std::numeric_limits<std::uint64_t>::max()};  ///< {stream, size, bytes}...
    Bytes begun_;  ///< the first of them, when not all of it is at hand
    bool line_wanted_ = false;
    bool has_lines_ = false;  ///< of standard output
    bool in_line_ = false;
    bool printed_ = false;
};

}  // namespace jobmill::commands
