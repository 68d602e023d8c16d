// SPDX-License-Identifier: MIT
// While a command runs, a SIGTERM for the worker is for the command: it is passed on to the
// command's process group, and the worker lives to report how the command ended. At all other times
// it does what the worker does of SIGTERM otherwise, which mostly is to die.
#pragma once

#include <sys/types.h>

#include <csignal>

namespace jobmill::handlers {

/// One at a time. From its construction on a SIGTERM waits; from begin() on it is passed on; from
/// end() on it is dropped, and after the destruction it does what it did before.
class TermForwarder {
public:
    TermForwarder();
    ~TermForwarder();
    TermForwarder(const TermForwarder&) = delete;
    TermForwarder& operator=(const TermForwarder&) = delete;

    /// `group` must not be reaped before end().
    void begin(pid_t group);
    void end();

private:
    struct sigaction before_ {};
};

}  // namespace jobmill::handlers
