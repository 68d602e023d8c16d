// SPDX-License-Identifier: MIT
#include "client/commands/common_options.hpp"
#include "common/exit_code.hpp"

namespace jobmill::commands {

int demo(const CommonOptions& /*common*/, const DemoOptions& /*options*/)
{
    return exit_code::jobmill_failed;
}

}  // namespace jobmill::commands
