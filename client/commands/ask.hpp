// SPDX-License-Identifier: MIT
// One question to the daemon, its answer, and what the command makes of it.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "client/commands/common_options.hpp"
#include "common/exit_code.hpp"
#include "jobmill/client.hpp"

namespace jobmill::commands {

/// The last event under a request's tag; none when an interrupt came meanwhile, or the reader of
/// our output left.
using Answer = Result<std::optional<ClientEvent>>;

[[nodiscard]] Answer ask(Client& client, const Result<Tag>& request);

/// When that is no answer, or an error, says so, with --json as a line under that id, too, and
/// answers the exit code.
[[nodiscard]] std::optional<int> not_answered(const CommonOptions& common, const Answer& answer,
                                              std::string_view id = "");

/// Prints the answer: that text or, with --json, the event under that id. Answers the exit code.
[[nodiscard]] int print_answer(const CommonOptions& common, const ClientEvent& answer,
                               std::string_view text, std::string_view id = "");

/// Does it to one after the other; answers the worst exit code. What is worse than a job that
/// failed ends it.
template <typename Targets, typename Do>
[[nodiscard]] int do_to_each(const Targets& targets, Do act)
{
    int worst = exit_code::ok;
    for (const auto& target : targets) {
        worst = std::max(worst, act(target));
        if (worst > exit_code::job_failed) {
            break;
        }
    }
    return worst;
}

}  // namespace jobmill::commands
