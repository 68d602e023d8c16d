// SPDX-License-Identifier: MIT
#include "client/commands/event_reply.hpp"

namespace jobmill::commands {
namespace {

struct ToReply {
    Reply operator()(const event::Accepted& e) const { return Accepted{e.tag, e.job, 1}; }
    Reply operator()(const event::Started& e) const
    {
        return Started{e.tag, e.job, e.worker, e.attempt};
    }
    Reply operator()(const event::Retrying& e) const
    {
        return Retrying{e.tag, e.job, e.attempt, e.worker, e.delay_ns, e.state, e.cause};
    }
    Reply operator()(const event::Chunk& e) const
    {
        return Chunk{e.tag, e.job, e.size, e.stream, e.more, e.payload};
    }
    Reply operator()(const event::Progress& e) const
    {
        return Progress{e.tag, e.job, e.done, e.total, e.note};
    }
    Reply operator()(const event::ResultPart& e) const { return Piece{e.tag, true, e.payload}; }
    Reply operator()(const event::JobResult& e) const
    {
        return JobResult{e.tag, e.job, e.size,  e.queue_ns, e.run_ns,  e.worker, e.state,
                         false, false, e.cause, e.payload,  e.attempt, e.usage,  e.attempts};
    }
    Reply operator()(const event::Cancelled& e) const
    {
        return Cancelled{e.tag, e.queued, e.running};
    }
    Reply operator()(const event::Status& e) const { return StatusReply{e.tag, e.body}; }
    Reply operator()(const event::Handlers& e) const { return HandlersReply{e.tag, e.body}; }
    Reply operator()(const event::Reloaded& e) const { return ReloadReply{e.tag, e.body}; }
    Reply operator()(const event::LogLevel& e) const { return LogLevelReply{e.tag, e.body}; }
    Reply operator()(const event::Adjusted& e) const { return AdjustReply{e.tag, e.body}; }
    Reply operator()(const event::StillRunning& e) const
    {
        return ErrorMessage{e.tag, {.code = error_code::running}};
    }
    Reply operator()(const event::Stored& e) const { return Stored{e.tag}; }
    Reply operator()(const event::Pong& e) const { return Pong{e.tag, e.payload}; }
    Reply operator()(const event::Closing& e) const { return Closing{e.grace_ms}; }
    Reply operator()(const event::JobError& e) const { return ErrorMessage{e.tag, e.error}; }
};

}  // namespace

Reply as_reply(const ClientEvent& event)
{
    return std::visit(ToReply{}, event);
}

}  // namespace jobmill::commands
