// SPDX-License-Identifier: MIT
#include "client/demo/worker_hunt.hpp"

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace jobmill::demo {
namespace {

std::string proc(pid_t pid, const std::string& name)
{
    return "/proc/" + std::to_string(pid) + "/" + name;
}

std::vector<pid_t> children_of(pid_t parent)
{
    std::vector<pid_t> children;
    std::error_code error;
    for (const auto& task : std::filesystem::directory_iterator{proc(parent, "task"), error}) {
        std::ifstream list{task.path() / "children"};
        pid_t child = 0;
        while (list >> child) {
            children.push_back(child);
        }
    }
    return children;
}

/// The name that it was executed by; its "comm" is that of a descriptor.
bool is_worker(pid_t pid)
{
    std::ifstream file{proc(pid, "cmdline")};
    std::string name;
    std::getline(file, name, '\0');
    return std::string_view{name}.substr(name.rfind('/') + 1).starts_with("jobmill-worker");
}

/// Running or ready to run: the template only waits.
bool computes(pid_t pid)
{
    std::ifstream file{proc(pid, "stat")};
    std::string stat;
    std::getline(file, stat);
    // The name is in brackets and may hold anything.
    const std::size_t name_end = stat.rfind(") ");
    return name_end != std::string::npos && stat.compare(name_end + 2, 1, "R") == 0;
}

/// A size in /proc/PID/status, in bytes; 0 when the process is gone.
std::uint64_t memory_line(pid_t pid, std::string_view name)
{
    std::ifstream status{proc(pid, "status")};
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(name)) {
            return std::stoull("0" + line.substr(line.find_first_of("0123456789"))) * 1024;
        }
    }
    return 0;
}

}  // namespace

std::optional<pid_t> kill_busy_worker(pid_t daemon)
{
    for (const pid_t child : children_of(daemon)) {
        if (is_worker(child) && computes(child) && ::kill(child, SIGKILL) == 0) {
            return child;
        }
    }
    return {};
}

std::uint64_t anonymous_memory(pid_t pid)
{
    return memory_line(pid, "RssAnon:");
}

std::uint64_t peak_memory_of_tree(pid_t root)
{
    std::uint64_t bytes = memory_line(root, "VmHWM:");
    for (const pid_t child : children_of(root)) {
        bytes += peak_memory_of_tree(child);
    }
    return bytes;
}

bool kill_any_child(pid_t parent)
{
    const std::vector<pid_t> children = children_of(parent);
    return !children.empty() && ::kill(children.front(), SIGKILL) == 0;
}

}  // namespace jobmill::demo
