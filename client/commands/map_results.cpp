// SPDX-License-Identifier: MIT
#include "client/commands/map_results.hpp"

#include <chrono>
#include <utility>

#include "client/commands/arguments.hpp"
#include "client/commands/follow.hpp"
#include "client/commands/json_output.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/outcome.hpp"
#include "client/commands/output.hpp"
#include "common/exit_code.hpp"
#include "jobmill/cause_kind.hpp"

namespace jobmill::commands {
namespace {

/// Of an item, before what there is to say of it: the daemon's number of its job is in no log.
std::string name_of(std::uint64_t number)
{
    return "item " + std::to_string(number) + ": ";
}

}  // namespace

MapResults::MapResults(const CommonOptions& common, const MapOptions& options, JobLog* log,
                       std::optional<Halt> halt)
    : common_(common),
      options_(options),
      log_(log),
      items_({.ordered = options.ordered, .tag = options.tag && !common.json}, log),
      tally_(halt),
      bar_(options.bar)
{
}

Result<bool> MapResults::add_output(const ClientEvent& event, std::uint64_t number)
{
    OpenItem& item = items_.at(number);
    const auto* chunk = std::get_if<event::Chunk>(&event);
    const auto* result = std::get_if<event::JobResult>(&event);
    item.received += chunk != nullptr ? chunk->size : 0;
    item.received += result != nullptr ? result->size : 0;
    if (common_.json) {
        const Bytes line = json_line(event, std::to_string(number));
        if (!options_.ordered) {
            const bool written = write_all(standard_output, line);
            end_output_item();
            return written;
        }
        JOBMILL_TRY(item.output.add(Stream::out, line));
    } else if (chunk != nullptr) {
        JOBMILL_TRY(item.output.add(chunk->stream, chunk->payload));
    } else if (result != nullptr) {
        JOBMILL_TRY(item.output.add(Stream::out, result->payload));
    }
    return true;
}

std::string MapResults::command_of(std::uint64_t number, const ItemPattern& pattern)
{
    const std::string& item = items_.at(number).text;
    return options_.past == MapOptions::Past::retry_failed ? item : pattern.command(number, item);
}

JobLogLine MapResults::line(const event::JobResult& result, std::uint64_t number,
                            const ItemPattern& pattern)
{
    const OpenItem& item = items_.at(number);
    JobLogLine to = line_of(result, std::chrono::system_clock::now());
    to.seq = number;
    to.sent = pattern.payload_size(item.text);
    to.received = item.received;
    to.command = command_of(number, pattern);
    return to;
}

/// An empty result is one, too; a command that says nothing has none.
void MapResults::want_line(OpenItem& item, const ItemPattern& pattern) const
{
    const bool of_command =
        item.prepared ? item.prepared->handler == command_handler : !pattern.is_alike();
    if (!of_command && !common_.json) {
        item.output.want_line();
    }
}

bool MapResults::end(const event::JobResult& result, std::uint64_t number,
                     const ItemPattern& pattern)
{
    if (result.cause->kind == cause_kind::halted) {
        return give_up(number);
    }
    const int code = result.dropped ? exit_code::job_failed : exit_code_of(result);
    const bool cut_short = result.cause->kind == cause_kind::stopping;
    if (code == exit_code::ok) {
        tally_.add_success();
        want_line(items_.at(number), pattern);
    } else {
        cut_short ? tally_.add_cut_short(number, code) : tally_.add_failure(number, code);
        halting_ = halting_ || tally_.halts();
        tell(result, number);
    }
    // What a stopping daemon cut short has not ended: it is not logged, and run again.
    if (log_ != nullptr && !cut_short) {
        items_.at(number).line = line(result, number, pattern);
    }
    return items_.end(number, bar_);
}

/// Who cancels, or stops the daemon, does so to all that are unfinished: one tells of them.
void MapResults::tell(const event::JobResult& result, std::uint64_t number)
{
    if (result.state == JobState::cancelled && ++cancelled_ > 1) {
        return;
    }
    bar_.clear();
    const Detail detail{
        .background = !common_.quiet,
        .attempts = !common_.quiet && !items_.at(number).retries_told,
    };
    std::string item = name_of(number);
    for (const std::string& text : notices_of(result, detail)) {
        notice(std::exchange(item, "") + text);
    }
}

void MapResults::tell(const event::Retrying& retrying, std::uint64_t number)
{
    if (!common_.json) {
        bar_.clear();
        notice(name_of(number) + notice_of(retrying));
        items_.at(number).retries_told = true;
    }
}

Result<bool> MapResults::on(const ClientEvent& event, std::uint64_t number,
                            const ItemPattern& pattern)
{
    JOBMILL_TRY_ASSIGN(const bool written, add_output(event, number));
    items_.at(number).taken = true;
    if (const auto* retrying = std::get_if<event::Retrying>(&event)) {
        tell(*retrying, number);
    }
    const auto* result = std::get_if<event::JobResult>(&event);
    return written && (result == nullptr || end(*result, number, pattern));
}

bool MapResults::fail(std::uint64_t number, const std::string& why, const ItemPattern& pattern)
{
    bar_.clear();
    notice(name_of(number) + why);
    tally_.add_failure(number, exit_code::job_failed);
    halting_ = halting_ || tally_.halts();
    if (log_ != nullptr) {
        items_.at(number).line = {.seq = number,
                                  .start = std::chrono::system_clock::now(),
                                  .exit_value = -1,
                                  .command = command_of(number, pattern)};
    }
    return items_.end(number, bar_);
}

bool MapResults::refuse(std::uint64_t number, const ErrorReply& error)
{
    if (!std::exchange(refused_, true)) {
        bar_.clear();
        notice(text_of_refusal(error));
    }
    tally_.add_failure(number, exit_code::jobmill_failed);
    if (common_.json) {
        const auto added = add_output(event::JobError{.tag = {}, .error = error}, number);
        return added.value_or(false) && items_.end(number, bar_);
    }
    return items_.drop(number, bar_);
}

bool MapResults::give_up(std::uint64_t number)
{
    halting_ = true;
    tally_.add_halted();
    return items_.drop(number, bar_);
}

void MapResults::draw(std::uint64_t total)
{
    const std::string failures =
        tally_.failed() > 0 ? std::to_string(tally_.failed()) + " failed" : "";
    bar_.draw("map ", tally_.ended(), total, failures);
}

bool MapResults::print_rest()
{
    while (!items_.all_printed()) {
        if (!finish_output() || !print_some()) {
            return false;
        }
    }
    return true;
}

int MapResults::finish()
{
    bar_.clear();
    if (!print_rest()) {
        return abandoned_exit_code();
    }
    const std::uint64_t missing = log_ == nullptr ? 0 : log_->missing();
    if (missing > 0) {
        notice("missing from the job log: " + std::to_string(missing) +
               (missing == 1 ? " job" : " jobs"));
    }
    if (refused_) {
        return exit_code::jobmill_failed;
    }
    if (!common_.quiet) {
        tell_summary();
    }
    return missing > 0 ? exit_code::jobmill_failed : tally_.exit_code();
}

void MapResults::tell_summary() const
{
    if (cancelled_ > 1) {
        notice(std::to_string(cancelled_) + " jobs were cancelled");
    }
    if (const std::string text = tally_.summary(); !text.empty()) {
        const std::string rest = tally_.cut_short() > 0 ? "; --resume goes on" : "";
        const std::string where =
            log_ == nullptr ? tally_.failed_items() : "see " + options_.job_log + rest;
        notice(text + (where.empty() ? "" : " (" + where + ")"));
    }
}

}  // namespace jobmill::commands
