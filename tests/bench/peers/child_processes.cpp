// SPDX-License-Identifier: MIT
#include "tests/bench/peers/child_processes.hpp"

#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "common/unique_fd.hpp"

namespace jobmill::bench {

TemporaryDirectory::TemporaryDirectory()
    : path_((std::filesystem::temp_directory_path() / "jobmill-bench-XXXXXX").string())
{
    if (::mkdtemp(path_.data()) == nullptr) {
        throw std::runtime_error{"cannot make a directory"};
    }
}

TemporaryDirectory::~TemporaryDirectory()
{
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

ChildProcesses::~ChildProcesses()
{
    for (const pid_t process : processes_) {
        (void)::kill(process, SIGKILL);
        (void)::waitpid(process, nullptr, 0);
    }
}

void ChildProcesses::start_program(const std::vector<std::string>& words)
{
    start_function([&words] {
        std::vector<char*> arguments;
        arguments.reserve(words.size() + 1);
        for (const std::string& word : words) {
            arguments.push_back(const_cast<char*>(word.c_str()));
        }
        arguments.push_back(nullptr);
        (void)::execvp(arguments.front(), arguments.data());
        for (const char* place : {"/usr/sbin/", "/usr/local/sbin/"}) {
            (void)::execv((place + words.front()).c_str(), arguments.data());
        }
    });
}

void ChildProcesses::start_function(const std::function<void()>& be)
{
    const pid_t pid = ::fork();
    if (pid == 0) {
        (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
        try {
            be();
        } catch (const std::exception&) {
            // Its server is gone, and so is what it was for.
        }
        ::_exit(1);
    }
    if (pid < 0) {
        throw std::runtime_error{"no process"};
    }
    processes_.push_back(pid);
}

int free_port()
{
    const UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd.get(), generic, size) != 0 || ::getsockname(fd.get(), generic, &size) != 0) {
        throw std::runtime_error{"no free port"};
    }
    return ntohs(address.sin_port);
}

}  // namespace jobmill::bench
