// SPDX-License-Identifier: MIT
// map: a job for every item of standard input. Jobs start before the input ends; memory is bounded
// by the daemon's credit, whatever the input's length.
#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>

#include "client/commands/follow.hpp"
#include "client/commands/interrupts.hpp"
#include "client/commands/item_pattern.hpp"
#include "client/commands/item_reader.hpp"
#include "client/commands/job_output.hpp"
#include "client/commands/json_output.hpp"
#include "client/commands/listener.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/outcome.hpp"
#include "client/commands/output.hpp"
#include "client/commands/progress_bar.hpp"
#include "client/commands/session.hpp"
#include "common/exit_code.hpp"

namespace jobmill::commands {
namespace {

using Clock = std::chrono::steady_clock;

/// With --ordered: items that are unfinished or wait for their turn to be printed. Each of them may
/// hold a temporary file.
constexpr std::size_t ordered_window = 512;
constexpr std::uint64_t most_failures_as_code = 100;

struct Item {
    std::string text;  ///< the job's payload borrows it
    JobOutput output;
    bool taken = false;  ///< by the daemon
    bool ended = false;
};

class Mapper {
public:
    Mapper(Client client, const CommonOptions& common, ItemPattern pattern,
           const MapOptions& options)
        : client_(std::move(client)),
          common_(common),
          pattern_(std::move(pattern)),
          options_(options),
          reader_(standard_input, options.null ? '\0' : '\n', client_.welcome().max_payload),
          bar_(options.bar)
    {
    }

    [[nodiscard]] int run();

private:
    enum class Turn { on, over, abandoned };

    [[nodiscard]] Result<Turn> turn();
    [[nodiscard]] Result<void> submit_items();
    [[nodiscard]] Result<void> submit(std::uint64_t number, Item& item);
    [[nodiscard]] bool has_room() const;
    [[nodiscard]] bool wants_input();
    [[nodiscard]] Result<bool> on(const ClientEvent& event);
    [[nodiscard]] Result<bool> add_output(const ClientEvent& event, std::uint64_t number,
                                          Item& item);
    [[nodiscard]] bool nothing_left();
    [[nodiscard]] bool take_back();
    [[nodiscard]] Result<void> move_on();
    void on_error(const event::JobError& error, std::uint64_t number);
    [[nodiscard]] bool end(std::uint64_t number);
    [[nodiscard]] bool print(const Item& item, JobOutput output);
    void count(const event::JobResult& result);
    void abandon();
    [[nodiscard]] int summary();

    Client client_;
    const CommonOptions& common_;
    ItemPattern pattern_;
    const MapOptions& options_;
    ItemReader reader_;
    ProgressBar bar_;

    std::map<std::uint64_t, Item> items_;                       ///< by number, from 1
    std::unordered_map<std::uint64_t, std::uint64_t> numbers_;  ///< of items, by tag
    std::deque<std::uint64_t>
        ready_;  ///< to be submitted: taken from the input, or refused as busy
    Clock::time_point not_before_{};
    std::uint64_t last_number_ = 0;
    std::uint64_t done_ = 0;
    std::uint64_t failed_ = 0;
    bool refused_ = false;   ///< no more items: the daemon refuses them
    bool stopping_ = false;  ///< the daemon stops: what it has not taken is for the next one
    int moves_ = 0;          ///< to a next daemon, since a job ended
    bool any_taken_ = false;
};

bool Mapper::has_room() const
{
    return !refused_ && !stopping_ && (options_.jobs == 0 || numbers_.size() < options_.jobs) &&
           (!options_.ordered || items_.size() < ordered_window) && Clock::now() >= not_before_;
}

Result<void> Mapper::submit(std::uint64_t number, Item& item)
{
    const auto job = pattern_.job(number, item.text);
    if (!job) {
        notice("item " + std::to_string(number) + ": " + job.error().what);
        ++failed_;
        item.ended = true;
        return {};
    }
    const auto tag = client_.submit(*job);
    if (!tag && tag.error().code == Errc::closed) {
        stopping_ = true;
        ready_.push_back(number);
        return {};
    }
    JOBMILL_TRY(tag);
    numbers_.emplace(jobmill::number(*tag), number);
    return {};
}

Result<void> Mapper::submit_items()
{
    while (has_room()) {
        if (ready_.empty()) {
            auto text = reader_.next();
            if (!text) {
                return {};
            }
            items_[++last_number_].text = std::move(*text);
            ready_.push_back(last_number_);
        }
        const std::uint64_t number = ready_.front();
        Item& item = items_.at(number);
        if (!client_.can_submit(pattern_.payload_size(item.text))) {
            return {};
        }
        ready_.pop_front();
        JOBMILL_TRY(submit(number, item));
        if (item.ended && !end(number)) {
            return {};
        }
    }
    return {};
}

bool Mapper::wants_input()
{
    return !reader_.ended() && ready_.empty() && has_room() && !reader_.has_item();
}

bool Mapper::print(const Item& item, JobOutput output)
{
    bar_.clear();
    return output.print(options_.tag && !common_.json ? item.text + "\t" : "");
}

/// Prints what may be printed now: this item, or with --ordered all that were waiting for it.
bool Mapper::end(std::uint64_t number)
{
    items_.at(number).ended = true;
    if (!options_.ordered) {
        Item item = std::move(items_.at(number));
        items_.erase(number);
        return print(item, std::move(item.output));
    }
    while (!items_.empty() && items_.begin()->second.ended) {
        Item item = std::move(items_.begin()->second);
        items_.erase(items_.begin());
        if (!print(item, std::move(item.output))) {
            return false;
        }
    }
    return true;
}

void Mapper::count(const event::JobResult& result)
{
    if (exit_code_of(result) == exit_code::ok && !result.dropped) {
        ++done_;
        return;
    }
    ++failed_;
    bar_.clear();
    for (const std::string& line : notices_of(result)) {
        notice(line);
    }
}

void Mapper::on_error(const event::JobError& error, std::uint64_t number)
{
    if (error.error.code == error_code::closing) {
        ready_.push_back(number);
        stopping_ = true;
        return;
    }
    if (error.error.code == error_code::busy) {
        ready_.push_back(number);
        not_before_ =
            Clock::now() + std::chrono::milliseconds{error.error.retry_after_ms.value_or(100)};
        return;
    }
    if (!refused_) {
        bar_.clear();
        notice(text_of_error(error.error));
    }
    refused_ = true;
    ++failed_;
    items_.erase(number);
}

Result<bool> Mapper::add_output(const ClientEvent& event, std::uint64_t number, Item& item)
{
    if (common_.json) {
        const Bytes line = json_line(event, std::to_string(number));
        if (!options_.ordered) {
            return write_all(standard_output, line);
        }
        JOBMILL_TRY(item.output.add(Stream::out, line));
    } else if (const auto* chunk = std::get_if<event::Chunk>(&event)) {
        JOBMILL_TRY(item.output.add(chunk->stream, chunk->payload));
    } else if (const auto* result = std::get_if<event::JobResult>(&event)) {
        JOBMILL_TRY(item.output.add(Stream::out, result->payload));
    }
    return true;
}

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
        on_error(*error, number);
        return true;
    }
    JOBMILL_TRY_ASSIGN(const bool written, add_output(event, number, items_.at(number)));
    any_taken_ = items_.at(number).taken = true;
    const auto* result = std::get_if<event::JobResult>(&event);
    if (result == nullptr || !written) {
        return written;
    }
    moves_ = 0;
    numbers_.erase(found);
    count(*result);
    bar_.draw("map ", done_ + failed_, reader_.ended() ? last_number_ : 0);
    return end(number);
}

bool Mapper::nothing_left()
{
    return refused_ || (reader_.ended() && !reader_.has_item() && ready_.empty());
}

/// Jobs that the daemon has not answered before it closed the session, if those are all.
bool Mapper::take_back()
{
    const bool none_taken =
        std::none_of(numbers_.begin(), numbers_.end(),
                     [this](const auto& each) { return items_.at(each.second).taken; });
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
    bar_.clear();
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
    JOBMILL_TRY(submit_items());
    if (numbers_.empty() && nothing_left()) {
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
        JOBMILL_TRY(reader_.read());
    }
    return Turn::on;
}

void Mapper::abandon()
{
    bar_.clear();
    for (const auto& [tag, number] : numbers_) {
        (void)client_.cancel(Tag{tag});
    }
    wait_for_the_end(client_);
}

int Mapper::summary()
{
    bar_.clear();
    if (refused_) {
        return exit_code::jobmill_failed;
    }
    if (failed_ > 0 && !common_.quiet) {
        notice(std::to_string(done_) + " done, " + std::to_string(failed_) + " failed");
    }
    return failed_ > most_failures_as_code ? exit_code::too_many_failures
                                           : static_cast<int>(failed_);
}

int Mapper::run()
{
    while (true) {
        const Result<Turn> result = turn();
        if (!result && result.error().code == Errc::closed && take_back()) {
            continue;
        }
        if (!result) {
            bar_.clear();
            return no_session(result.error());
        }
        if (*result == Turn::abandoned) {
            abandon();
            return abandoned_exit_code();
        }
        if (*result == Turn::over) {
            return summary();
        }
    }
}

}  // namespace

int map(const CommonOptions& common, const WorkOptions& work, const MapOptions& options)
{
    auto pattern = ItemPattern::from(work);
    if (!pattern) {
        return failed(pattern.error());
    }
    auto client = open_session(common, false, Start::yes);
    if (!client) {
        return no_session(client.error());
    }
    return Mapper{std::move(*client), common, std::move(*pattern), options}.run();
}

}  // namespace jobmill::commands
