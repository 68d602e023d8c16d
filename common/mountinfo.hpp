// SPDX-License-Identifier: MIT
// What is mounted where, as /proc/self/mountinfo tells it.
#pragma once

#include <string>
#include <string_view>

namespace jobmill {

struct Mount {
    std::string_view root;  ///< what of its file system is mounted
    std::string_view point;
    std::string_view type;
};

/// The mount of the first line, which is taken off the text. Of a line that makes no sense the
/// fields may be empty.
[[nodiscard]] Mount take_mount(std::string_view& mountinfo);

/// The text of /proc/self/mountinfo, at most a little more than 1 MiB: a machine with more mounts
/// than that is not looked at whole. Empty when it cannot be read.
[[nodiscard]] std::string read_mountinfo();

}  // namespace jobmill
