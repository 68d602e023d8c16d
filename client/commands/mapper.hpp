// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "client/commands/common_options.hpp"
#include "client/commands/follow.hpp"
#include "client/commands/item_pattern.hpp"
#include "client/commands/job_log.hpp"
#include "client/commands/map_items.hpp"
#include "client/commands/map_results.hpp"
#include "common/halt.hpp"
#include "jobmill/client.hpp"

namespace jobmill::commands {

/// What a map is made of beside its session.
struct MapParts {
    ItemPattern pattern;
    std::optional<JobLog> log;
    std::optional<Halt> halt;
};

/// A session with jobs of a map in it: takes items as the daemon has room, and hands on what comes
/// back. Moves on to the next daemon when one stops.
class Mapper {
public:
    Mapper(Client client, const CommonOptions& common, const WorkOptions& work,
           const MapOptions& options, MapParts parts)
        : client_(std::move(client)),
          common_(common),
          work_(work),
          options_(options),
          pattern_(std::move(parts.pattern)),
          log_(std::move(parts.log)),
          input_(input_of(options, log_, client_.welcome().max_payload)),
          results_(common, options, log_ ? &*log_ : nullptr, parts.halt),
          looked_on_(somebody_looks_on(common))
    {
    }

    [[nodiscard]] int run();

private:
    using Past = MapOptions::Past;
    enum class Turn { on, over, abandoned };

    [[nodiscard]] static MapItems input_of(const MapOptions& options,
                                           const std::optional<JobLog>& log, std::uint64_t most);
    [[nodiscard]] Result<Turn> turn();
    [[nodiscard]] Result<bool> submit_items();
    [[nodiscard]] bool take_item();
    [[nodiscard]] std::vector<std::uint64_t> next_items();
    [[nodiscard]] Result<bool> submit(std::uint64_t number);
    [[nodiscard]] Result<void> submit_together(const std::vector<std::uint64_t>& numbers);
    [[nodiscard]] std::uint64_t payload_size(const std::string& item) const
    {
        return options_.past == Past::retry_failed ? item.size() : pattern_.payload_size(item);
    }
    [[nodiscard]] Result<NewJob> job_of(std::uint64_t number, OpenItem& item);
    void ask_for_retries(NewJob& job) const;
    [[nodiscard]] bool takes_items() const { return !results_.refused() && !results_.halting(); }
    [[nodiscard]] bool has_room(std::size_t more = 0);
    [[nodiscard]] bool wants_input();
    [[nodiscard]] Result<bool> on(const ClientEvent& event);
    [[nodiscard]] bool on_error(const ErrorReply& error, std::uint64_t number);
    [[nodiscard]] Result<void> begin_log();
    [[nodiscard]] bool give_up_the_rest();
    [[nodiscard]] bool nothing_left();
    [[nodiscard]] bool take_back();
    [[nodiscard]] Result<void> move_on();
    void abandon();

    Client client_;
    const CommonOptions& common_;
    const WorkOptions& work_;
    const MapOptions& options_;
    ItemPattern pattern_;
    std::optional<JobLog> log_;
    MapItems input_;
    MapResults results_;

    std::unordered_map<std::uint64_t, std::uint64_t> numbers_;  ///< of items, by tag
    std::deque<std::uint64_t>
        ready_;  ///< to be submitted: taken from the input, or refused as busy
    std::chrono::steady_clock::time_point not_before_{};
    bool stopping_ = false;  ///< the daemon stops: what it has not taken is for the next one
    int moves_ = 0;          ///< to a next daemon, since a job ended
    bool any_taken_ = false;
    bool looked_on_;  ///< retries are told as they happen
};

}  // namespace jobmill::commands
