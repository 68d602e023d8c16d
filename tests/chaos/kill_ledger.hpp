// SPDX-License-Identifier: MIT
// Which kill took which attempt. A kill costs one, so two deaths of which only one can be told from
// the other by a kill are one death too many.
#pragma once

#include <cstdint>
#include <vector>

namespace jobmill::chaos {

class KillLedger {
public:
    void add_kill(std::int64_t at) { kills_.push_back(at); }
    /// An attempt of that job died of a kill that was between those times.
    void add_death(std::size_t job, std::int64_t from, std::int64_t to)
    {
        deaths_.push_back({from, to, job});
    }
    [[nodiscard]] std::size_t deaths() const noexcept { return deaths_.size(); }

    /// The jobs of deaths for which no kill is left, however kills are given to deaths.
    [[nodiscard]] std::vector<std::size_t> unexplained();

private:
    struct Death {
        std::int64_t from;
        std::int64_t to;
        std::size_t job;
    };

    std::vector<std::int64_t> kills_;
    std::vector<Death> deaths_;
};

}  // namespace jobmill::chaos
