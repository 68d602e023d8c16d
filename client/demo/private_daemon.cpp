// SPDX-License-Identifier: MIT
#include "client/demo/private_daemon.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "client/commands/daemon_process.hpp"
#include "client/commands/notice.hpp"

namespace jobmill::demo {
namespace {

constexpr std::chrono::seconds start_patience{20};
constexpr std::chrono::seconds stop_patience{10};

}  // namespace

Result<PrivateDaemon> PrivateDaemon::start()
{
    const char* chosen = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe)
    std::string directory = chosen == nullptr || *chosen == '\0' ? "/tmp" : chosen;
    directory += "/jobmill-demo-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr) {
        return fail_errno("making the directory " + directory, errno);
    }
    PrivateDaemon daemon{directory};
    JOBMILL_TRY_ASSIGN(daemon.pid_,
                       commands::start_daemon({.socket = daemon.socket(),
                                               .options = {"--workers", "2"},
                                               .log_path = directory + "/daemon.log",
                                               .environment = {"XDG_STATE_HOME=" + directory,
                                                               "XDG_CONFIG_HOME=" + directory,
                                                               "XDG_RUNTIME_DIR=" + directory},
                                               .background = false},
                                              start_patience));
    return daemon;
}

PrivateDaemon::PrivateDaemon(PrivateDaemon&& other) noexcept
    : directory_(std::exchange(other.directory_, {})), pid_(std::exchange(other.pid_, 0))
{
}

PrivateDaemon::~PrivateDaemon()
{
    if (pid_ > 0) {
        const auto stopped = commands::stop_process(pid_, stop_patience);
        if (!stopped || !*stopped) {
            (void)::kill(pid_, SIGKILL);
            (void)::waitpid(pid_, nullptr, 0);
        }
    }
    if (!directory_.empty()) {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
}

}  // namespace jobmill::demo
