// SPDX-License-Identifier: MIT
// SIGTERM in a worker whose runtime can be interrupted: a job of the runtime's is asked to end, all
// else dies of the signal, as it would without.
#pragma once

namespace jobmill {

/// Once, in a worker, on its main thread. `interrupt` is async-signal-safe, and is called again and
/// again, ever less often, until the job has ended.
void install_term_handler(void (*interrupt)());

/// While it lives, a job runs that can be interrupted.
class Interruptible {
public:
    explicit Interruptible(bool can_be) noexcept;
    ~Interruptible();
    Interruptible(const Interruptible&) = delete;
    Interruptible& operator=(const Interruptible&) = delete;
};

}  // namespace jobmill
