// SPDX-License-Identifier: MIT
#include "daemon/administration.hpp"

#include <unistd.h>

#include "daemon/log.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {
namespace {

ErrorMessage not_allowed(Tag tag)
{
    return {.tag = tag,
            .error = refusal(error_code::not_allowed,
                             "only root, admins and the daemon's own user may do this", "op")};
}

}  // namespace

void Administration::answer(ClientSession& session, Tag tag, const Request& request) const
{
    if (const auto* status = std::get_if<StatusRequest>(&request)) {
        session.send(
            StatusReply{.tag = tag, .body = outside_.status(session.identity(), status->jobs)});
    } else if (std::holds_alternative<HandlersRequest>(request)) {
        session.send(HandlersReply{.tag = tag, .body = outside_.pools.describe()});
    } else if (const auto* level = std::get_if<LogLevelRequest>(&request)) {
        answer_log_level(session, *level, tag);
    } else if (const auto* adjust = std::get_if<AdjustRequest>(&request)) {
        answer_adjust(session, *adjust, tag);
    } else if (!std::holds_alternative<ReloadRequest>(request)) {
        session.send(ErrorMessage{
            .tag = tag, .error = refusal(error_code::unknown_op, "not a question", "op")});
    } else if (may_administer(session.identity(), ::geteuid())) {
        outside_.reload(session.id(), tag);
    } else {
        session.send(not_allowed(tag));
    }
}

void Administration::answer_adjust(ClientSession& session, const AdjustRequest& request,
                                   Tag tag) const
{
    if (!may_administer(session.identity(), ::geteuid())) {
        session.send(not_allowed(tag));
        return;
    }
    auto done = outside_.adjust(request);
    if (!done) {
        session.send(ErrorMessage{.tag = tag, .error = std::move(done.error())});
        return;
    }
    if (request.max_running || request.weight) {
        log::info("adjusted", {{"user", session.identity().uid}});
    }
    session.send(AdjustReply{.tag = tag, .body = std::move(*done)});
}

void Administration::answer_log_level(ClientSession& session, const LogLevelRequest& request,
                                      Tag tag) const
{
    if (!request.level.empty()) {
        if (!may_administer(session.identity(), ::geteuid())) {
            session.send(not_allowed(tag));
            return;
        }
        const auto level = log::level_named(request.level);
        if (!level) {
            session.send(ErrorMessage{
                .tag = tag, .error = refusal(error_code::bad_value, level.error().what, "level")});
            return;
        }
        log::set_level(*level);
        log::info("log level set",
                  {{"level", log::name_of(*level)}, {"user", session.identity().uid}});
    }
    session.send(LogLevelReply{.tag = tag,
                               .body = Value{Map{{"level", Value{log::name_of(log::level())}}}}});
}

}  // namespace jobmill::daemon
