// SPDX-License-Identifier: MIT
#include "client/commands/follow.hpp"

#include <signal.h>

#include "client/commands/interrupts.hpp"
#include "client/commands/json_output.hpp"
#include "client/commands/listener.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/outcome.hpp"
#include "client/commands/output.hpp"
#include "common/exit_code.hpp"

namespace jobmill::commands {
namespace {

/// Prints events; knows when it is over.
class Follower {
public:
    explicit Follower(const CommonOptions& common) : common_(common) {}

    /// False when the output cannot be written.
    [[nodiscard]] bool on(const ClientEvent& event)
    {
        if (const auto* error = std::get_if<event::JobError>(&event);
            error != nullptr && error->error.code == error_code::closing) {
            refused_ = over_ = true;
            return true;
        }
        const bool closing = std::holds_alternative<event::Closing>(event);
        stops_ = stops_ || closing;
        taken_ = taken_ || !closing;
        if (common_.json) {
            return print_json(event, std::to_string(number(tag_of(event)))) && (end(event), true);
        }
        bool written = true;
        if (const auto* chunk = std::get_if<event::Chunk>(&event)) {
            written = print(chunk->stream, chunk->payload);
        } else if (const auto* part = std::get_if<event::ResultPart>(&event)) {
            written = print(Stream::out, part->payload);
        } else if (const auto* retrying = std::get_if<event::Retrying>(&event)) {
            notice(notice_of(*retrying));
            retries_told_ = true;
        } else if (const auto* result = std::get_if<event::JobResult>(&event)) {
            written = print(Stream::out, result->payload) && finish_line();
        }
        end(event);
        return written;
    }

    [[nodiscard]] bool over() const noexcept { return over_; }
    /// The daemon stops, and has not said that the job is its own.
    [[nodiscard]] bool untaken() const noexcept { return stops_ && !taken_; }
    /// None: the daemon stops and has refused the job.
    [[nodiscard]] std::optional<int> exit_code() const noexcept
    {
        return refused_ ? std::nullopt : std::optional{exit_code_};
    }

private:
    [[nodiscard]] bool print(Stream stream, ByteView bytes)
    {
        const bool error = stream == Stream::err;
        if (!error && !bytes.empty()) {
            in_line_ = bytes.back() != std::byte{'\n'};
        }
        return write_all(error ? standard_error : standard_output, bytes);
    }

    /// A prompt should not follow on the same line; a file gets exactly the result's bytes.
    [[nodiscard]] bool finish_line()
    {
        return !in_line_ || !is_terminal_fd(standard_output) ||
               write_all(standard_output, bytes_of("\n"));
    }

    void end(const ClientEvent& event)
    {
        if (const auto* result = std::get_if<event::JobResult>(&event)) {
            over_ = true;
            exit_code_ = exit_code_of(*result);
            for (const std::string& line :
                 notices_of(*result, {.background = !common_.quiet,
                                     .attempts = !common_.quiet && !retries_told_})) {
                notice(line);
            }
        } else if (const auto* error = std::get_if<event::JobError>(&event)) {
            over_ = true;
            const bool unknown =
                error->error.code == error_code::not_found || error->error.code == error_code::gone;
            exit_code_ = unknown ? exit_code::job_failed : exit_code::jobmill_failed;
            notice(text_of_refusal(error->error));
        } else if (std::holds_alternative<event::Closing>(event) && taken_ && !common_.quiet) {
            notice("the daemon stops");
        }
    }

    const CommonOptions& common_;
    bool over_ = false;
    bool refused_ = false;
    bool stops_ = false;
    bool taken_ = false;
    bool in_line_ = false;
    bool retries_told_ = false;
    int exit_code_ = 0;
};

}  // namespace

bool somebody_looks_on(const CommonOptions& common)
{
    return !common.json && !common.quiet && is_terminal_fd(standard_error);
}

int abandoned_exit_code()
{
    const int signal = interrupted();
    if (signal == 0 && output_has_failed()) {
        return exit_code::jobmill_failed;
    }
    return exit_code::signal_base + (signal != 0 ? signal : SIGPIPE);
}

void tell_loss(const ClientEvent& event)
{
    if (!output_has_failed()) {
        return;
    }
    if (const auto* result = std::get_if<event::JobResult>(&event)) {
        notice("the result of job " + std::to_string(number(result->job)) +
               " is lost: it is told once");
    } else {
        notice("what the job has said so far is lost: it is told once");
    }
}

std::optional<int> follow(Client& client, Tag tag, const CommonOptions& common, bool ours)
{
    Follower follower{common};
    while (!follower.over()) {
        auto event = next_event(client);
        if (!event) {
            return follower.untaken() && event.error().code == Errc::closed
                       ? std::nullopt
                       : std::optional{failed(event.error())};
        }
        if (!*event || !follower.on(**event)) {
            if (ours && client.cancel(tag)) {
                wait_for_the_end(client);
            } else if (*event && !ours) {
                tell_loss(**event);
            }
            return abandoned_exit_code();
        }
    }
    return follower.exit_code();
}

}  // namespace jobmill::commands
