// SPDX-License-Identifier: MIT
// One question to the daemon, and its answer.
#pragma once

#include <optional>

#include "jobmill/client.hpp"

namespace jobmill::commands {

/// The last event under a request's tag; none when an interrupt came meanwhile, or the reader of
/// our output left.
using Answer = Result<std::optional<ClientEvent>>;

[[nodiscard]] Answer ask(Client& client, const Result<Tag>& request);

/// When that is no answer, or an error, says so, and answers the exit code.
[[nodiscard]] std::optional<int> not_answered(const Answer& answer);

}  // namespace jobmill::commands
