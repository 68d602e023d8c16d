// SPDX-License-Identifier: MIT
// The workloads that everybody is measured by. Each prints one JSON line a result:
//   {"bench":WORKLOAD,"peer":NAME,"case":WHICH,FIGURE:NUMBER,...}
// and, when it cannot be done, {"bench":...,"peer":...,"skipped":WHY}.
#pragma once

#include <span>
#include <string_view>

#include "tests/bench/workloads/service.hpp"

namespace jobmill::bench {

/// How long each may take, compared with a whole run.
struct Scale {
    double part = 1;
};

struct Workload {
    std::string_view name;
    void (*run)(Service&, const Scale&);
};

[[nodiscard]] std::span<const Workload> workloads();

void round_trip(Service& service, const Scale& scale);
void throughput(Service& service, const Scale& scale);
void five_ms(Service& service, const Scale& scale);
void smallest_job(Service& service, const Scale& scale);
void echo(Service& service, const Scale& scale);
void same_input(Service& service, const Scale& scale);
void words(Service& service, const Scale& scale);
void drain(Service& service, const Scale& scale);
void killed(Service& service, const Scale& scale);
void first_result(Service& service, const Scale& scale);

}  // namespace jobmill::bench
