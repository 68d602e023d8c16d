// SPDX-License-Identifier: MIT
// A module, in a source that knows the client library as well: nothing of the two clashes.
#include <csignal>
#include <string>

#include <jobmill/client.hpp>
#include <jobmill/handler.hpp>

static std::string fizz(jobmill::Job& job)
{
    std::string all;
    const std::int64_t last = job.integer("last");
    for (std::int64_t n = 1; n <= last; ++n) {
        job.progress(static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(last));
        all += n == 1 ? "" : " ";
        all += n % 15 == 0  ? "fizzbuzz"
               : n % 5 == 0 ? "buzz"
               : n % 3 == 0 ? "fizz"
                            : std::to_string(n);
    }
    return all;
}

static void fault(jobmill::Job& /*job*/)
{
    (void)std::raise(SIGSEGV);
}

JOBMILL_MODULE("cpp_module", {"cpp.fizz", "a children's game, up to `last`", fizz},
               {"cpp.fault", "dies", fault})
