// SPDX-License-Identifier: MIT
#include "worker/job_environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace jobmill {
namespace {

constexpr std::string_view job_prefix = "JOBMILL_JOB=";
constexpr const char* job_name = "JOBMILL_JOB";
constexpr const char* socket_name = "JOBMILL_SOCKET";

/// "JOBMILL_JOB=121". A part of the environment, changed in place: setenv() keeps every value that
/// it was ever given.
std::array<char, 40> job_variable;

}  // namespace

// A worker's main thread alone changes the environment, between jobs.
// NOLINTBEGIN(concurrency-mt-unsafe)

void name_socket(const std::string& path)
{
    if (!path.empty()) {
        (void)::setenv(socket_name, path.c_str(), 1);
    }
}

void name_job(JobId job)
{
    char* const digits = std::copy(job_prefix.begin(), job_prefix.end(), job_variable.begin());
    *std::to_chars(digits, job_variable.end() - 1, number(job)).ptr = '\0';
    // A handler may have replaced the environment, or the variable. It is the first, so that it is
    // found at once.
    if (std::getenv(job_name) != digits && ::putenv(job_variable.data()) == 0) {
        char** place = environ;
        while (*place != job_variable.data()) {
            ++place;
        }
        std::swap(*environ, *place);
    }
}

void add_job_names(std::vector<std::string>& environment)
{
    // Whoever submits from within a job, or has named another daemon, sends such names along: they
    // are not this job's. Of the two, one alone would be wrong.
    for (const char* const name : {job_name, socket_name}) {
        if (const char* const value = std::getenv(name)) {
            const std::string prefix = std::string{name} + '=';
            std::erase_if(environment,
                          [&](const std::string& each) { return each.starts_with(prefix); });
            environment.push_back(prefix + value);
        }
    }
}

// NOLINTEND(concurrency-mt-unsafe)

}  // namespace jobmill
