// SPDX-License-Identifier: MIT
// JOBMILL_ASSERT states what only a bug of ours can break. It stays on in release builds: a daemon
// that goes on with an impossible state would lie to its clients.
#pragma once

#include <cstdio>
#include <cstdlib>

#define JOBMILL_ASSERT(condition)                                                           \
    do {                                                                                    \
        if (!(condition)) [[unlikely]] {                                                    \
            (void)std::fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, \
                               #condition);                                                 \
            std::abort();                                                                   \
        }                                                                                   \
    } while (false)
