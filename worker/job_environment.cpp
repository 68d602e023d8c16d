// SPDX-License-Identifier: MIT
#include "worker/job_environment.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

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
    // A handler may have replaced the environment, or the variable.
    if (std::getenv(job_name) != digits) {
        (void)::putenv(job_variable.data());
    }
}

void add_job_names(std::vector<std::string>& environment)
{
    const auto begins_with = [](std::string_view prefix) {
        return [prefix](const std::string& each) { return each.starts_with(prefix); };
    };
    if (const char* const number = std::getenv(job_name)) {
        // Whoever submits from within a job sends that job's number along: it is not this one's.
        std::erase_if(environment, begins_with(job_prefix));
        environment.push_back(std::string{job_prefix} + number);
    }
    const std::string socket_prefix = std::string{socket_name} + '=';
    const char* const socket = std::getenv(socket_name);
    if (socket != nullptr &&
        std::none_of(environment.begin(), environment.end(), begins_with(socket_prefix))) {
        environment.push_back(socket_prefix + socket);
    }
}

// NOLINTEND(concurrency-mt-unsafe)

}  // namespace jobmill
