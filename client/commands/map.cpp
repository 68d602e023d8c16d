// SPDX-License-Identifier: MIT
// map: a job for every item of standard input. Jobs start before the input ends; memory is bounded
// by the daemon's credit, whatever the input's length.
#include <deque>
#include <map>
#include <unordered_map>

#include "client/commands/arguments.hpp"
#include "client/commands/follow.hpp"
#include "client/commands/interrupts.hpp"
#include "client/commands/item_reader.hpp"
#include "client/commands/job_output.hpp"
#include "client/commands/json_output.hpp"
#include "client/commands/listener.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/outcome.hpp"
#include "client/commands/output.hpp"
#include "client/commands/placeholders.hpp"
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
    bool ended = false;
};

class Mapper {
public:
    Mapper(Client& client, const CommonOptions& common, const WorkOptions& work,
           const MapOptions& options)
        : client_(client),
          common_(common),
          work_(work),
          options_(options),
          reader_(standard_input, options.null ? '\0' : '\n', client.welcome().max_payload),
          bar_(options.bar)
    {
    }

    [[nodiscard]] Result<void> prepare_arguments();
    [[nodiscard]] int run();

private:
    enum class Turn { on, over, abandoned };

    [[nodiscard]] Result<Turn> turn();
    [[nodiscard]] Result<void> submit_items();
    [[nodiscard]] Result<void> submit(std::uint64_t number, Item& item);
    [[nodiscard]] Result<Map> arguments_for(std::uint64_t number, const Item& item) const;
    [[nodiscard]] bool has_room() const;
    [[nodiscard]] bool wants_input();
    [[nodiscard]] Result<bool> on(const ClientEvent& event);
    [[nodiscard]] Result<bool> add_output(const ClientEvent& event, std::uint64_t number,
                                          Item& item);
    void on_error(const event::JobError& error, std::uint64_t number);
    [[nodiscard]] bool end(std::uint64_t number);
    [[nodiscard]] bool print(const Item& item, JobOutput output);
    void count(const event::JobResult& result);
    void abandon();
    [[nodiscard]] int summary();

    Client& client_;
    const CommonOptions& common_;
    const WorkOptions& work_;
    const MapOptions& options_;
    ItemReader reader_;
    ProgressBar bar_;
    Map arguments_;

    std::map<std::uint64_t, Item> items_;                       ///< by number, from 1
    std::unordered_map<std::uint64_t, std::uint64_t> numbers_;  ///< of items, by tag
    std::deque<std::uint64_t>
        ready_;  ///< to be submitted: taken from the input, or refused as busy
    Clock::time_point not_before_{};
    std::uint64_t last_number_ = 0;
    std::uint64_t done_ = 0;
    std::uint64_t failed_ = 0;
    bool refused_ = false;  ///< no more items: the daemon refuses them or stops
};

Result<void> Mapper::prepare_arguments()
{
    if (!work_.handler.empty()) {
        JOBMILL_TRY_ASSIGN(arguments_, parse_arguments(work_.args));
        return {};
    }
    JOBMILL_TRY_ASSIGN(const std::string directory, current_directory());
    JOBMILL_TRY_ASSIGN(arguments_, command_arguments({}, directory, current_environment()));
    return {};
}

bool Mapper::has_room() const
{
    return !refused_ && (options_.jobs == 0 || numbers_.size() < options_.jobs) &&
           (!options_.ordered || items_.size() < ordered_window) && Clock::now() >= not_before_;
}

Result<Map> Mapper::arguments_for(std::uint64_t number, const Item& item) const
{
    Map arguments = arguments_;
    if (!work_.handler.empty()) {
        return arguments;
    }
    const std::vector<std::string> words =
        work_.shell ? shell_words(fill_for_shell(work_.command, item.text, number))
                    : fill(work_.command, item.text, number);
    JOBMILL_TRY_ASSIGN(Map command, command_arguments(words, "", {}));
    // The first member is the words; directory and environment stay.
    arguments.front() = std::move(command.front());
    return arguments;
}

Result<void> Mapper::submit(std::uint64_t number, Item& item)
{
    auto arguments = arguments_for(number, item);
    if (!arguments) {
        notice("item " + std::to_string(number) + ": " + arguments.error().what);
        ++failed_;
        item.ended = true;
        return {};
    }
    const bool command = work_.handler.empty();
    const std::string label =
        work_.label.empty() && command ? label_of(work_.command) : work_.label;
    const Job job{.handler = command ? command_handler : std::string_view{work_.handler},
                  .payload = command ? ByteView{} : bytes_of(item.text),
                  .args = std::move(*arguments),
                  .pool = work_.pool,
                  .label = label};
    JOBMILL_TRY_ASSIGN(const Tag tag, client_.submit(job));
    numbers_.emplace(jobmill::number(tag), number);
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
        if (!client_.can_submit(work_.handler.empty() ? 0 : item.text.size())) {
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
        refused_ = true;
        notice("the daemon stops; no more items are submitted");
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
    const auto* result = std::get_if<event::JobResult>(&event);
    if (result == nullptr || !written) {
        return written;
    }
    numbers_.erase(found);
    count(*result);
    bar_.draw("map ", done_ + failed_, reader_.ended() ? last_number_ : 0);
    return end(number);
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
    const bool input_over = refused_ || (reader_.ended() && !reader_.has_item() && ready_.empty());
    if (input_over && numbers_.empty()) {
        return Turn::over;
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
        if (!result) {
            return failed(result.error());
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
    auto client = open_session(common, false);
    if (!client) {
        return failed(client.error());
    }
    Mapper mapper{*client, common, work, options};
    if (const auto prepared = mapper.prepare_arguments(); !prepared) {
        return failed(prepared.error());
    }
    return mapper.run();
}

}  // namespace jobmill::commands
