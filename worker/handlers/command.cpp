// SPDX-License-Identifier: MIT
#include "worker/handlers/command.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <jobmill/handler.hpp>

#include "common/exit_code.hpp"
#include "worker/birth_state.hpp"
#include "worker/handlers/command_limits.hpp"
#include "worker/mount_hint.hpp"

namespace jobmill::handlers {
namespace {

constexpr std::string_view default_path = "/usr/local/bin:/usr/bin:/bin";

[[noreturn]] void refuse(const std::string& what, int error_number, const std::string& hint = {})
{
    const bool absent = error_number == ENOENT || error_number == ENOTDIR;
    throw Failure::exec(
        absent ? exit_code::not_found : exit_code::not_executable,
        "exec: " + what + ": " + std::generic_category().message(error_number) + hint);
}

/// The directory that paths of the command are relative to.
UniqueFd open_directory(const std::string& told)
{
    const std::string& path = told.empty() ? birth_directory() : told;
    UniqueFd directory{::open(path.empty() ? "." : path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    const bool usable = directory && ::faccessat(directory.get(), ".", X_OK, AT_EACCESS) == 0;
    // Not 127 even if it is absent: that would say so of the program.
    if (!usable) {
        const int error_number = errno;
        throw Failure::exec(exit_code::not_executable,
                            "exec: cwd " + path + ": " +
                                std::generic_category().message(error_number) +
                                mount_hint(path, error_number));
    }
    return directory;
}

/// 0, or why the file cannot be executed.
int judge_program(int directory, const std::string& path)
{
    struct stat status {};
    if (::fstatat(directory, path.c_str(), &status, 0) != 0) {
        return errno;
    }
    if (S_ISDIR(status.st_mode)) {
        return EISDIR;
    }
    return ::faccessat(directory, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

std::string_view search_path(const std::vector<std::string>& environment)
{
    constexpr std::string_view name = "PATH=";
    const auto found =
        std::find_if(environment.begin(), environment.end(), [&](const std::string& variable) {
            return std::string_view{variable}.substr(0, name.size()) == name;
        });
    return found == environment.end() ? default_path : std::string_view{*found}.substr(name.size());
}

std::string find_in_path(int directory, const std::string& program, std::string_view path)
{
    int best_error = ENOENT;
    while (true) {
        const std::size_t colon = path.find(':');
        std::string candidate{path.substr(0, colon)};
        candidate += candidate.empty() ? "./" : "/";
        candidate += program;
        const int error_number = judge_program(directory, candidate);
        if (error_number == 0) {
            return candidate;
        }
        // As the shell does it: one that is there and forbidden is worth telling.
        if (error_number == EACCES) {
            best_error = EACCES;
        }
        if (colon == std::string_view::npos) {
            refuse(program, best_error);
        }
        path.remove_prefix(colon + 1);
    }
}

std::string find_program(int directory, const Command& command)
{
    const std::string& program = command.argv.front();
    if (program.empty()) {
        refuse("\"\"", ENOENT);
    }
    if (program.find('/') == std::string::npos) {
        return find_in_path(directory, program, search_path(command.environment));
    }
    if (const int error_number = judge_program(directory, program); error_number != 0) {
        refuse(program, error_number, mount_hint(program, error_number));
    }
    return program;
}

/// The array of C strings that exec wants; borrows the texts.
std::vector<char*> as_c(const std::vector<std::string>& texts)
{
    std::vector<char*> array;
    array.reserve(texts.size() + 1);
    for (const std::string& text : texts) {
        array.push_back(const_cast<char*>(text.c_str()));
    }
    array.push_back(nullptr);
    return array;
}

}  // namespace

pid_t start(const Command& command)
{
    const UniqueFd directory = open_directory(command.directory);
    const std::string program = find_program(directory.get(), command);
    const auto argv = as_c(command.argv);
    const auto environment = as_c(command.environment);
    const auto limits = command_limits(command.limits);
    const Launched launched = launch(
        {.program = program.c_str(),
         .argv = argv.data(),
         .environment = environment.data(),
         .directory = directory.get(),
         .mask = command.mask ? command.mask : birth_umask(),
         .standard = {command.standard_input, command.standard_output, command.standard_error},
         .limits = limits,
         .cpus = command.limits.cpus,
         .nice = command.limits.nice});
    if (launched.failed == nullptr) {
        return launched.pid;
    }
    const std::string_view failed = launched.failed;
    if (failed != "exec") {
        refuse(command.argv.front() + ": " + launched.failed, launched.error_number);
    }
    if (launched.error_number == ENOENT) {
        refuse(command.argv.front() + ": its interpreter", launched.error_number);
    }
    refuse(command.argv.front(), launched.error_number);
}

}  // namespace jobmill::handlers
