// SPDX-License-Identifier: MIT
// jobmill-worker: a pool's template, and the workers that it becomes.
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "common/exit_code.hpp"
#include "worker/options.hpp"
#include "worker/template.hpp"
#include "worker/worker_process.hpp"

namespace {

int run(const jobmill::WorkerOptions& options)
{
    using enum jobmill::WorkerOptions::Mode;
    switch (options.mode) {
        case fork_template:
            // Destructors of modules have no business here.
            ::_exit(jobmill::run_template(options, {}));
        case worker:
            jobmill::run_spawned_worker(options, {});
        case help:
            (void)std::fputs(jobmill::usage(), stdout);
            break;
        case version:
            (void)std::puts("jobmill-worker " JOBMILL_VERSION);
            break;
    }
    return jobmill::exit_code::ok;
}

}  // namespace

int main(int argc, char** argv)
{
    try {
        const auto options =
            jobmill::parse_options({argv + 1, argc < 1 ? 0 : static_cast<std::size_t>(argc) - 1});
        if (options) {
            return run(*options);
        }
        (void)std::fprintf(stderr, "jobmill-worker: %s\n%s", options.error().what.c_str(),
                           jobmill::usage());
    } catch (const std::exception& error) {
        (void)std::fprintf(stderr, "jobmill-worker: %s\n", error.what());
        ::_exit(jobmill::exit_code::bad_config);
    }
    return jobmill::exit_code::usage;
}
