// SPDX-License-Identifier: MIT
#include "worker/leave.hpp"

#include <unistd.h>

#include <string>

#include "common/exit_code.hpp"
#include "worker/children.hpp"

namespace jobmill {

void leave()
{
    kill_children();
    ::_exit(exit_code::ok);
}

void leave_broken(std::string_view why)
{
    const std::string line = "jobmill-worker: " + std::string{why} + '\n';
    (void)!::write(STDERR_FILENO, line.data(), line.size());
    kill_children();
    ::_exit(exit_protocol);
}

}  // namespace jobmill
