// SPDX-License-Identifier: MIT
// run: one job; print what it says and leave with its exit code.
#include "client/commands/follow.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/session.hpp"

namespace jobmill::commands {

int run(const CommonOptions& common, const WorkOptions& work)
{
    auto client = open_session(common, !common.json);
    if (!client) {
        return failed(client.error());
    }
    const auto prepared = prepare(work, client->welcome().max_payload);
    if (!prepared) {
        return failed(prepared.error());
    }
    const auto tag = client->submit(prepared->job());
    if (!tag) {
        return failed(tag.error());
    }
    return follow(*client, *tag, common, true);
}

}  // namespace jobmill::commands
