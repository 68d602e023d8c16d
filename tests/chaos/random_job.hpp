// SPDX-License-Identifier: MIT
// Jobs at random whose end is known beforehand, with options at random. Options that a daemon does
// not know yet are behind gates: each is opened when the daemon takes a job with it.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "jobmill/bytes.hpp"
#include "jobmill/job_options.hpp"
#include "jobmill/value.hpp"
#include "tests/chaos/history.hpp"

namespace jobmill::chaos {

class Dice {
public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}

    /// From 0 to below the limit, which is above 0.
    [[nodiscard]] std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
    [[nodiscard]] std::uint64_t between(std::uint64_t first, std::uint64_t last)
    {
        return first + below(last - first + 1);
    }
    [[nodiscard]] bool one_in(std::uint64_t count) { return below(count) == 0; }

private:
    std::mt19937_64 engine_;
};

struct RandomJob {
    std::string handler;
    std::string payload;
    Map args{};
    std::string pool{};
    bool detached = false;
    bool started = false;
    bool progress = false;
    JobOptions options{};
    std::string batch{};  ///< what options.batch and options.halt are views of
    std::string halt{};

    // How it has to end, as HistoryChecker knows it.
    std::string want = "value";
    std::string digest{};
    std::string chunks{};

    /// The facts of its submit in a history.
    [[nodiscard]] Facts facts() const;
    /// What it takes so long for that somebody has to cancel it.
    [[nodiscard]] bool endless() const { return want == "endless"; }
};

/// An option, or a message, of a protocol that grows.
struct Gate {
    std::string_view name;
    /// JSON members of a submit of `echo` that the daemon takes if it knows the option.
    std::string_view probe;
    /// Gives the option to a job; does nothing for those that are no option of a job.
    void (*apply)(RandomJob& job, Dice& dice);
};

[[nodiscard]] std::span<const Gate> gates();
/// The position of that name in gates().
[[nodiscard]] std::size_t gate(std::string_view name);

/// A bit for each gate that is open.
using OpenGates = std::uint64_t;

[[nodiscard]] inline bool is_open(OpenGates open, std::string_view name)
{
    return (open >> gate(name) & 1U) != 0;
}

[[nodiscard]] RandomJob random_job(Dice& dice, OpenGates open);

}  // namespace jobmill::chaos
