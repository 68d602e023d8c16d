// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "client/commands/common_options.hpp"
#include "jobmill/client.hpp"

namespace jobmill::commands {

/// Prints one job's events as they come, until its last. Answers the exit code. `ours`: an
/// interrupt, or a reader who leaves, cancels the job; else it goes on without us. None when the
/// daemon stops and has refused the job: another one may take it.
[[nodiscard]] std::optional<int> follow(Client& client, Tag tag, const CommonOptions& common,
                                        bool ours);

/// Whether somebody looks on, who is told of retries as they happen. Others are told at the end.
[[nodiscard]] bool somebody_looks_on(const CommonOptions& common);

/// The exit code of a command that an interrupt ended, a reader who left, or a full disk.
[[nodiscard]] int abandoned_exit_code();

/// Says what is lost with an event that could not be written, if its reader has not left by
/// himself: the events of a detached job are told once.
void tell_loss(const ClientEvent& event);

}  // namespace jobmill::commands
