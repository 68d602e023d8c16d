// SPDX-License-Identifier: MIT
#include "daemon/heap_trim.hpp"

#include <malloc.h>
#include <unistd.h>

#include "daemon/process_reading.hpp"

namespace jobmill::daemon {

void HeapTrim::look(bool at_rest)
{
    if (!at_rest || !worked_) {
        return;
    }
    worked_ = false;
    const auto size = unshared_size(::getpid());
    if (size && *size > least_ + kept) {
        ::malloc_trim(0);
        least_ = unshared_size(::getpid()).value_or(*size);
    }
}

}  // namespace jobmill::daemon
