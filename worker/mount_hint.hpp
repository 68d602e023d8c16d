// SPDX-License-Identifier: MIT
// A service manager may give a daemon its own /tmp and take /home out of its sight. A path that is
// there for everybody else is then "No such file or directory" here, which nobody understands.
#pragma once

#include <string>
#include <string_view>

namespace jobmill {

/// What to add to the error text of a path that could not be opened: " (this service ...)", or
/// nothing when the error is of another kind or this process sees what others see.
[[nodiscard]] std::string mount_hint(const std::string& path, int error_number);

/// The same decided from the text of /proc/self/mountinfo.
[[nodiscard]] std::string hint_from_mounts(std::string_view path, std::string_view mountinfo);

}  // namespace jobmill
