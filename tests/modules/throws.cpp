// SPDX-License-Identifier: MIT
#include <stdexcept>

#include <jobmill/module.h>

extern "C" JOBMILL_EXPORT const jobmill_module* jobmill_module_v1(void)
{
    throw std::runtime_error{"the model file is missing"};
}
