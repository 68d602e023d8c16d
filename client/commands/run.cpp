// SPDX-License-Identifier: MIT
// run: one job; print what it says and leave with its exit code.
#include "client/commands/follow.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/session.hpp"

namespace jobmill::commands {

int run(const CommonOptions& common, const WorkOptions& work)
{
    std::optional<PreparedJob> prepared;  // once: standard input cannot be read again
    return with_session(common, !common.json, [&](Client& client) -> std::optional<int> {
        if (!prepared) {
            auto made = prepare(work, client.welcome().max_payload);
            if (!made) {
                return gave_up(made.error());
            }
            prepared = std::move(*made);
        }
        NewJob job = prepared->job();
        job.started = somebody_looks_on(common);
        const auto tag = client.submit(job);
        if (!tag && tag.error().code != Errc::closed) {
            return failed(tag.error());
        }
        return tag ? follow(client, *tag, common, true) : std::nullopt;
    });
}

}  // namespace jobmill::commands
