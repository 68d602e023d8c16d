// SPDX-License-Identifier: MIT
#include <jobmill/module.h>

extern "C" JOBMILL_EXPORT const jobmill_module* jobmill_module_v1(void)
{
    static const jobmill_module module{99, sizeof(jobmill_module), "wrong_abi", 0, 0, nullptr};
    return &module;
}
