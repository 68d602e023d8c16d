// SPDX-License-Identifier: MIT
// Signals that mean something of their own in a worker. In what a job forks they do not: a child
// that executes nothing else has its parent's handlers, but neither its segment nor its job.
#pragma once

#include <csignal>

namespace jobmill {

/// As ::sigaction(), and in children that are forked the default is restored, unless somebody has
/// put another handler in its place. For a few signals, each once, in a worker.
void handle_in_worker(int signal_number, const struct sigaction& action);

}  // namespace jobmill
