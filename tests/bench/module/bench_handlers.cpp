// SPDX-License-Identifier: MIT
// Handlers for the workloads that jobmill does not bring along.
#include <jobmill/handler.hpp>

#include "tests/bench/workloads/tasks.hpp"

namespace {

void noop(jobmill::Job& /*job*/) {}

void task(jobmill::Job& job)
{
    (void)jobmill::bench::perform(job.payload());
}

void peek(jobmill::Job& job)
{
    job.result(jobmill::bench::peek(job.payload()));
}

}  // namespace

JOBMILL_MODULE("bench", {"noop", "nothing", noop}, {"task", "what the payload spells", task},
               {"peek", "the sum of the first bytes of all pages of the payload", peek})
