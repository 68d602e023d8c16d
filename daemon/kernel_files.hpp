// SPDX-License-Identifier: MIT
// Small files in which the kernel tells numbers: those of /proc and of control groups.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jobmill/result.hpp"

namespace jobmill::daemon {

/// At most its first 64 KiB; never waits for a pipe or a device.
[[nodiscard]] Result<std::string> read_kernel_file(const std::string& path);
/// By one write, to a file that is there.
[[nodiscard]] Result<void> write_kernel_file(const std::string& path, std::string_view text);

/// A file of one number. "max" is jobmill::unlimited; none when it is missing or says something
/// else.
[[nodiscard]] std::optional<std::uint64_t> kernel_number(const std::string& path);
/// The number behind a word at the beginning of a line: "MemFree:  5 kB", "VmHWM:\t5 kB",
/// "oom_kill 5".
[[nodiscard]] std::optional<std::uint64_t> number_after(std::string_view text,
                                                        std::string_view word);

}  // namespace jobmill::daemon
