// SPDX-License-Identifier: MIT
#include "worker/handlers/handlers.hpp"

namespace jobmill::handlers {

void echo(Job& job)
{
    job.result_is_payload();
}

}  // namespace jobmill::handlers
