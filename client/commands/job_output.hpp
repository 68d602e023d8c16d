// SPDX-License-Identifier: MIT
#pragma once

#include "common/messages.hpp"
#include "common/unique_fd.hpp"
#include "jobmill/result.hpp"

namespace jobmill::commands {

/// One job's output, kept until it can be printed without mixing it with another's. The first part
/// stays in memory; the rest goes to a file without a name in $TMPDIR.
class JobOutput {
public:
    [[nodiscard]] Result<void> add(Stream stream, ByteView bytes);

    /// Prints all of it, the streams in the order in which they came. With a prefix, every line of
    /// standard output begins with it. The last line gets its newline. False when the output cannot
    /// be written.
    [[nodiscard]] bool print(std::string_view prefix);

private:
    [[nodiscard]] Result<void> spill();

    Bytes records_;  ///< {stream, size, bytes}...
    UniqueFd file_;  ///< records that came before those
};

}  // namespace jobmill::commands
