// SPDX-License-Identifier: MIT
// Servers and workers of a peer, and their place. All end with the object, and with this process.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace jobmill::bench {

class TemporaryDirectory {
public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
};

class ChildProcesses {
public:
    ChildProcesses() = default;
    ~ChildProcesses();
    ChildProcesses(const ChildProcesses&) = delete;
    ChildProcesses& operator=(const ChildProcesses&) = delete;

    /// By its name, found in $PATH or among the system's servers.
    void start_program(const std::vector<std::string>& words);
    /// A copy of this process that does that, and leaves when it returns or throws.
    void start_function(const std::function<void()>& be);
    [[nodiscard]] pid_t first() const { return processes_.front(); }

private:
    std::vector<pid_t> processes_;
};

/// A port of the loopback that nobody listens on; somebody else may be faster.
[[nodiscard]] int free_port();

}  // namespace jobmill::bench
