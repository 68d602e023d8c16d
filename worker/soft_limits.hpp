// SPDX-License-Identifier: MIT
// The limits of a job in the worker that runs it. Only soft ones, on top of what the worker has
// used and holds already, so that they can be taken back: the next job begins as if there had been
// none. What they do: memory makes allocations fail; CPU time and file size kill, by SIGXCPU and
// SIGXFSZ.
#pragma once

#include <sys/resource.h>

#include <array>
#include <cstddef>

#include "common/job_limits.hpp"

namespace jobmill {

class SoftLimits {
public:
    explicit SoftLimits(const JobLimits& limits);
    /// As it was before.
    ~SoftLimits() { exchange(); }
    SoftLimits(const SoftLimits&) = delete;
    SoftLimits& operator=(const SoftLimits&) = delete;

    /// While it lives the limits do not hold: for what the worker does itself. Null: nothing.
    class Pause {
    public:
        explicit Pause(SoftLimits* limits) noexcept : limits_(limits) { exchange(); }
        ~Pause() { exchange(); }
        Pause(const Pause&) = delete;
        Pause& operator=(const Pause&) = delete;

    private:
        void exchange() noexcept;
        SoftLimits* limits_;
    };

private:
    struct Other {
        __rlimit_resource resource{};
        rlimit limit{};  ///< the one that is not in force
    };

    void hold_to(__rlimit_resource resource, rlim_t most) noexcept;
    void exchange() noexcept;

    std::array<Other, 4> others_;
    std::size_t size_ = 0;
};

}  // namespace jobmill
