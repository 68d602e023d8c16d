// SPDX-License-Identifier: MIT
// run: one job; print what it says and leave with its exit code.
#include "client/commands/follow.hpp"
#include "client/commands/session.hpp"

namespace jobmill::commands {

int run(const CommonOptions& common, const WorkOptions& work)
{
    return with_job(
        common, !common.json, work, [&](NewJob& job) { job.started = somebody_looks_on(common); },
        [&](Client& client, Tag tag) { return follow(client, tag, common, true); });
}

}  // namespace jobmill::commands
