// SPDX-License-Identifier: MIT
// jobmill-runtime.so: a template and its workers inside another language's interpreter.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <span>

#include <jobmill/runtime.h>

#include "common/exit_code.hpp"
#include "worker/job_api.hpp"
#include "worker/options.hpp"
#include "worker/runtime.hpp"
#include "worker/template.hpp"
#include "worker/worker_process.hpp"

namespace {

int refuse(const char* why, int exit_code)
{
    (void)std::fprintf(stderr, "jobmill-runtime: %s\n", why);
    return exit_code;
}

int run(std::span<const char* const> words, const jobmill_runtime* described)
{
    using jobmill::WorkerOptions;
    namespace exit_code = jobmill::exit_code;
    const auto runtime = jobmill::Runtime::of(described);
    if (!runtime) {
        return refuse(runtime.error().what.c_str(), exit_code::bad_config);
    }
    const auto options = jobmill::parse_options(words);
    if (!options) {
        return refuse(options.error().what.c_str(), exit_code::usage);
    }
    if (options->mode == WorkerOptions::Mode::worker) {
        jobmill::run_spawned_worker(*options, *runtime);
    }
    if (options->mode == WorkerOptions::Mode::fork_template) {
        // What the interpreter would do at its exit is none of this process's business.
        ::_exit(jobmill::run_template(*options, *runtime));
    }
    return refuse("is for jobmilld to start", exit_code::usage);
}

}  // namespace

int jobmill_runtime_run_v1(int argc, const char* const* argv, const jobmill_runtime* runtime)
{
    try {
        return run({argv, argc < 0 ? 0 : static_cast<std::size_t>(argc)}, runtime);
    } catch (const std::exception& error) {
        // Whoever has called may be a process that was forked here.
        ::_exit(refuse(error.what(), jobmill::exit_code::bad_config));
    }
}

const jobmill_api* jobmill_runtime_api_v1()
{
    return &jobmill::job_api();
}

ssize_t jobmill_runtime_copy_payload_v1(jobmill_job* job, void* to, std::size_t room)
{
    const jobmill_api& api = jobmill::job_api();
    if (api.payload_descriptor(job) >= 0) {
        return -1;
    }
    const jobmill_bytes payload = api.payload(job);
    if (payload.size > room) {
        return -1;
    }
    std::copy_n(payload.data, payload.size, static_cast<char*>(to));
    return static_cast<ssize_t>(payload.size);
}
