// SPDX-License-Identifier: MIT
// map: a job for every item of standard input. Jobs start before the input ends; memory is bounded
// by the daemon's credit, whatever the input's length.
#include <unistd.h>

#include "client/commands/mapper.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/output.hpp"
#include "client/commands/session.hpp"

namespace jobmill::commands {
namespace {

/// A name that no other batch of this user has.
std::string unique_batch()
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return "map-" + std::to_string(::getpid()) + "-" + std::to_string(now.count());
}

/// --resume and --resume-failed begin a log, too, so that a script says the same every time;
/// without input there is nothing to begin with.
JobLog::Begin begin_of(MapOptions::Past past)
{
    switch (past) {
        case MapOptions::Past::none:
            return JobLog::Begin::anew;
        case MapOptions::Past::resume:
        case MapOptions::Past::resume_failed:
            return JobLog::Begin::go_on;
        case MapOptions::Past::retry_failed:
            break;
    }
    return JobLog::Begin::there;
}

Result<MapParts> parts_of(const WorkOptions& work, const MapOptions& options)
{
    JOBMILL_TRY_ASSIGN(ItemPattern pattern, ItemPattern::from(work));
    MapParts parts{.pattern = std::move(pattern), .log = {}, .halt = {}};
    if (!work.options.halt.empty()) {
        JOBMILL_TRY_ASSIGN(parts.halt, parse_halt(work.options.halt));
    }
    if (!options.job_log.empty()) {
        JOBMILL_TRY_ASSIGN(parts.log, JobLog::open(options.job_log, begin_of(options.past)));
    }
    return parts;
}

}  // namespace

int map(const CommonOptions& common, const WorkOptions& work, const MapOptions& options)
{
    WorkOptions named = work;
    const std::string batch = unique_batch();
    if (!named.options.halt.empty() && named.options.batch.empty()) {
        named.options.batch = batch;
    }
    auto parts = parts_of(named, options);
    if (!parts) {
        return gave_up(parts.error());
    }
    auto client = open_session(common, false, Start::yes);
    if (!client) {
        return gave_up(client.error());
    }
    gather_output();
    return Mapper{std::move(*client), common, named, options, std::move(*parts)}.run();
}

}  // namespace jobmill::commands
