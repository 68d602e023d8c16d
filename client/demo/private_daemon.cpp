// SPDX-License-Identifier: MIT
#include "client/demo/private_daemon.hpp"

#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "client/commands/interrupts.hpp"
#include "client/commands/stop_process.hpp"
#include "client/starter.hpp"

namespace jobmill::demo {
namespace {

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
    StartRequest request{
        .socket = daemon.socket(),
        .started_by = "jobmill demo",
        .log_path = directory + "/daemon.log",
        .words = {"--workers", "2"},
        .environment = {"XDG_STATE_HOME=" + directory, "XDG_CONFIG_HOME=" + directory,
                        "XDG_RUNTIME_DIR=" + directory}};
    request.options.unit = false;
    request.options.cancel_fd = commands::interrupt_fd();
    JOBMILL_TRY(ensure_daemon(std::move(request)));
    JOBMILL_TRY_ASSIGN(const Client client, Client::connect(daemon.socket()));
    daemon.pid_ = static_cast<pid_t>(client.welcome().pid);
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
        }
    }
    if (!directory_.empty()) {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
}

}  // namespace jobmill::demo
