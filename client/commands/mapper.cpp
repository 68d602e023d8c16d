// SPDX-License-Identifier: MIT
#include "client/commands/mapper.hpp"

#include <algorithm>
#include <utility>

#include "client/commands/command_text.hpp"
#include "client/commands/follow.hpp"
#include "client/commands/interrupts.hpp"
#include "client/commands/item_reader.hpp"
#include "client/commands/listener.hpp"
#include "client/commands/output.hpp"
#include "client/commands/session.hpp"

namespace jobmill::commands {
namespace {

using Clock = std::chrono::steady_clock;

/// With --ordered: items that are unfinished or wait for their turn to be printed. Each of them may
/// hold a temporary file.
constexpr std::size_t ordered_window = 512;

/// Bytes of payload that go in one message.
constexpr std::size_t most_together = std::size_t{64} * 1024;

}  // namespace

MapItems Mapper::input_of(const MapOptions& options, const std::optional<JobLog>& log,
                          std::uint64_t most)
{
    if (options.past == Past::retry_failed) {
        return MapItems{log->past().failed};
    }
    std::vector<bool> done;
    if (options.past != Past::none) {
        done = options.past == Past::resume ? log->past().ended : log->past().succeeded;
    }
    return MapItems{ItemReader{standard_input, options.null ? '\0' : '\n', most}, std::move(done)};
}

/// For a job, beside those that are unfinished and `more`. While the reader of the output stands
/// still there is none, so that what is kept for him ends with the jobs that the daemon has.
bool Mapper::has_room(std::size_t more)
{
    const std::size_t jobs = numbers_.size() + more;
    return takes_items() && !stopping_ && !output_waits() &&
           (options_.jobs == 0 || jobs < options_.jobs) &&
           (more == 0 || jobs < client_.welcome().credit_jobs) &&
           (!options_.ordered || results_.items().size() < ordered_window) &&
           Clock::now() >= not_before_;
}

Result<NewJob> Mapper::job_of(std::uint64_t number, OpenItem& item)
{
    NewJob job;
    if (options_.past != Past::retry_failed) {
        JOBMILL_TRY_ASSIGN(job, pattern_.job(number, item.text));
    } else {
        JOBMILL_TRY_ASSIGN(const WorkOptions work, work_of(item.text, work_));
        JOBMILL_TRY_ASSIGN(item.prepared, prepare(work, client_.welcome().max_payload));
        job = item.prepared->job();
    }
    ask_for_retries(job);
    return job;
}

/// Only of jobs that were to be retried: with it the daemon tells of each when it begins.
void Mapper::ask_for_retries(NewJob& job) const
{
    const JobOptions& options = job.options;
    job.started =
        looked_on_ && (options.retry_crash || options.retry_timeout || options.retry_failure);
}

/// False when the output cannot be printed.
Result<bool> Mapper::submit(std::uint64_t number)
{
    const auto job = job_of(number, results_.items().at(number));
    if (!job) {
        return results_.fail(number, job.error().what, pattern_);
    }
    const auto tag = client_.submit(*job);
    if (!tag && tag.error().code == Errc::closed) {
        stopping_ = true;
        ready_.push_back(number);
        return true;
    }
    if (!tag && tag.error().code == Errc::invalid) {
        return results_.fail(number, tag.error().what, pattern_);  // too large; others are not
    }
    JOBMILL_TRY(tag);
    numbers_.emplace(jobmill::number(*tag), number);
    return true;
}

/// All of them or, when the daemon stops, those that it takes.
Result<void> Mapper::submit_together(const std::vector<std::uint64_t>& numbers)
{
    std::vector<ByteView> payloads;
    payloads.reserve(numbers.size());
    for (const std::uint64_t number : numbers) {
        payloads.push_back(bytes_of(results_.items().at(number).text));
    }
    JOBMILL_TRY_ASSIGN(NewJob job, pattern_.job(numbers.front(), ""));
    ask_for_retries(job);
    auto tags = client_.submit_many(payloads, job);
    if (!tags && tags.error().code == Errc::closed) {
        tags = std::vector<Tag>{};
    }
    JOBMILL_TRY(tags);
    for (std::size_t i = 0; i < tags->size(); ++i) {
        numbers_.emplace(jobmill::number(tags->at(i)), numbers[i]);
    }
    stopping_ = stopping_ || tags->size() < numbers.size();
    ready_.insert(ready_.end(), numbers.begin() + static_cast<std::ptrdiff_t>(tags->size()),
                  numbers.end());
    return {};
}

/// One of those that the input has at hand.
bool Mapper::take_item()
{
    auto item = input_.next();
    if (!item) {
        return false;
    }
    ready_.push_back(item->number);
    results_.items().add(item->number, std::move(item->text));
    return true;
}

/// What goes next: one job, or several that differ in nothing but a small payload.
std::vector<std::uint64_t> Mapper::next_items()
{
    const bool alike = options_.past != Past::retry_failed && pattern_.is_alike();
    const std::size_t most_bytes =
        std::min<std::size_t>(most_together, client_.welcome().max_inline);
    std::vector<std::uint64_t> numbers;
    std::size_t bytes = 0;
    while (has_room(numbers.size()) && (!ready_.empty() || take_item())) {
        const std::size_t size = payload_size(results_.items().at(ready_.front()).text);
        if (!numbers.empty() && (!alike || bytes + size > most_bytes)) {
            break;
        }
        if (!client_.can_submit(bytes + size)) {
            break;
        }
        bytes += size;
        numbers.push_back(ready_.front());
        ready_.pop_front();
    }
    return numbers;
}

Result<bool> Mapper::submit_items()
{
    while (true) {
        const auto numbers = next_items();
        if (numbers.empty()) {
            return give_up_the_rest();
        }
        if (numbers.size() > 1) {
            JOBMILL_TRY(submit_together(numbers));
            continue;
        }
        JOBMILL_TRY_ASSIGN(const bool written, submit(numbers.front()));
        if (!written) {
            return false;
        }
    }
}

/// For a job; or, where a bar is shown, to know how many there will be.
bool Mapper::wants_input()
{
    if (results_.shows_progress() && takes_items() && !output_waits() && input_.can_read_ahead()) {
        return true;
    }
    return !input_.ended() && ready_.empty() && has_room() && !input_.has_next();
}

/// When too many jobs failed: what was not submitted is given up here, the rest by the daemon.
bool Mapper::give_up_the_rest()
{
    while (results_.halting() && !ready_.empty()) {
        const std::uint64_t number = ready_.front();
        ready_.pop_front();
        if (!results_.give_up(number)) {
            return false;
        }
    }
    return true;
}

/// False when the output cannot be printed.
bool Mapper::on_error(const ErrorReply& error, std::uint64_t number)
{
    if (error.code == error_code::closing) {
        ready_.push_back(number);
        stopping_ = true;
        return true;
    }
    if (error.code == error_code::busy) {
        ready_.push_back(number);
        not_before_ = Clock::now() + std::chrono::milliseconds{error.retry_after_ms.value_or(100)};
        return true;
    }
    return error.code == error_code::halted ? results_.give_up(number)
                                            : results_.refuse(number, error);
}

Result<void> Mapper::begin_log()
{
    return log_ ? log_->begin() : Result<void>{};
}

/// False when the output cannot be printed.
Result<bool> Mapper::on(const ClientEvent& event)
{
    if (std::holds_alternative<event::Closing>(event)) {
        stopping_ = true;
        return true;
    }
    const auto found = numbers_.find(jobmill::number(tag_of(event)));
    if (found == numbers_.end()) {
        return true;
    }
    const std::uint64_t number = found->second;
    if (const auto* error = std::get_if<event::JobError>(&event)) {
        numbers_.erase(found);
        return on_error(error->error, number);
    }
    any_taken_ = true;
    JOBMILL_TRY(begin_log());
    if (is_last(event)) {
        moves_ = 0;
        numbers_.erase(found);
    }
    return results_.on(event, number, pattern_);
}

bool Mapper::nothing_left()
{
    return !takes_items() || (input_.ended() && !input_.has_next() && ready_.empty());
}

/// Jobs that the daemon has not answered before it closed the session, if those are all.
bool Mapper::take_back()
{
    const bool none_taken =
        std::none_of(numbers_.begin(), numbers_.end(),
                     [this](const auto& each) { return results_.items().at(each.second).taken; });
    if (!stopping_ || !none_taken) {
        return false;
    }
    for (const auto& [tag, number] : numbers_) {
        ready_.push_back(number);
    }
    numbers_.clear();
    return true;
}

/// Every job that this daemon took has ended; what it has not taken goes to the next one.
Result<void> Mapper::move_on()
{
    if (++moves_ > most_daemons) {
        return fail(Errc::closed, "the daemon stops and takes no jobs");
    }
    results_.clear();
    // A daemon that somebody stops under our jobs is not started again by us.
    const Start start = any_taken_ ? Start::no : Start::yes;
    auto next = next_session(common_, false, std::move(client_), start);
    if (!next) {
        return fail(next.error().code,
                    "the daemon stopped before the input ended; " + next.error().what);
    }
    client_ = std::move(*next);
    stopping_ = false;
    return {};
}

Result<Mapper::Turn> Mapper::turn()
{
    while (auto event = client_.poll_event()) {
        JOBMILL_TRY_ASSIGN(const bool written, on(*event));
        if (!written) {
            return Turn::abandoned;
        }
    }
    if (!results_.print_some()) {
        return Turn::abandoned;
    }
    JOBMILL_TRY_ASSIGN(const bool written, submit_items());
    // Once more: items that are refused have something to print, too.
    if (!written || !results_.print_some()) {
        return Turn::abandoned;
    }
    results_.draw(input_.total());
    if (numbers_.empty() && nothing_left()) {
        JOBMILL_TRY(results_.refused() ? Result<void>{} : begin_log());
        return Turn::over;
    }
    if (numbers_.empty() && stopping_) {
        JOBMILL_TRY(move_on());
        return Turn::on;
    }
    const bool paused = not_before_ > Clock::now();
    JOBMILL_TRY_ASSIGN(
        const Woken woken,
        listen(client_, {.input = wants_input(),
                         .deadline = paused ? std::optional{not_before_} : std::nullopt}));
    if (woken.interrupted || woken.output_gone) {
        return Turn::abandoned;
    }
    if (woken.input) {
        JOBMILL_TRY(results_.shows_progress() ? input_.read_ahead() : input_.read());
    }
    // Who writes the input has had the same signal: its last item may be the beginning of one.
    return interrupted() == 0 ? Turn::on : Turn::abandoned;
}

void Mapper::abandon()
{
    results_.clear();
    (void)begin_log();  // a --resume after this one is not about the log of another
    (void)client_.cancel_session();
    wait_for_the_end(client_);
}

int Mapper::run()
{
    while (true) {
        const Result<Turn> result = turn();
        if (!result && result.error().code == Errc::closed && take_back()) {
            continue;
        }
        if (!result) {
            results_.clear();
            const int code = gave_up(result.error());
            return results_.print_rest() ? code : abandoned_exit_code();
        }
        if (*result == Turn::abandoned) {
            abandon();
            return abandoned_exit_code();
        }
        if (*result == Turn::over) {
            return results_.finish();
        }
    }
}

}  // namespace jobmill::commands
