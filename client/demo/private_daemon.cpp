// SPDX-License-Identifier: MIT
#include "client/demo/private_daemon.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string_view>
#include <utility>

#include "client/commands/stop_process.hpp"
#include "client/starter.hpp"

namespace jobmill::demo {
namespace {

constexpr std::chrono::seconds stop_patience{10};

constexpr auto lock_name = "/in-use";
constexpr std::string_view directory_prefix = "jobmill-demo-";
/// A directory that is younger may not have its lock yet.
constexpr time_t settled_seconds = 60;

Result<UniqueFd> take_lock(const std::string& path)
{
    UniqueFd lock{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        return fail_errno("locking " + path, errno);
    }
    return lock;
}

/// Whether it is of a demonstration of ours that was killed, and whose daemon has left since.
bool is_abandoned(const std::string& directory)
{
    struct stat status {};
    if (::lstat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) ||
        status.st_uid != ::geteuid() || status.st_mtime > ::time(nullptr) - settled_seconds) {
        return false;
    }
    return !socket_holder(directory + "/jobmill.sock") && take_lock(directory + lock_name);
}

/// Removes what demonstrations could not remove that were killed.
void sweep(const std::string& parent)
{
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator{parent, error};
         !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
        const std::string path = entry->path().string();
        if (entry->path().filename().string().starts_with(directory_prefix) && is_abandoned(path)) {
            std::error_code ignored;
            std::filesystem::remove_all(path, ignored);
        }
    }
}

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
    JOBMILL_TRY_ASSIGN(daemon.lock_, take_lock(directory + lock_name));
    sweep(directory.substr(0, directory.rfind('/')));
    StartRequest request{
        .socket = daemon.socket(),
        .started_by = "jobmill demo",
        .log_path = directory + "/daemon.log",
        .words = {"--workers", "2"},
        .environment = {"XDG_STATE_HOME=" + directory, "XDG_CONFIG_HOME=" + directory,
                        "XDG_RUNTIME_DIR=" + directory}};
    request.options.unit = false;
    // An interrupt waits for the daemon to be there: one that is half started could not be stopped.
    // Should we be killed: it is ours alone, and we are always connected.
    request.options.idle_timeout = "5s";
    JOBMILL_TRY(ensure_daemon(std::move(request)));
    JOBMILL_TRY_ASSIGN(const Client client, Client::connect(daemon.socket()));
    auto process = find_peer_daemon(client.fd(), static_cast<pid_t>(client.welcome().pid));
    if (!process) {
        return fail(Errc::system, "the daemon at " + daemon.socket() + " cannot be seen in /proc");
    }
    daemon.process_ = std::move(*process);
    return daemon;
}

PrivateDaemon::PrivateDaemon(PrivateDaemon&& other) noexcept
    : directory_(std::exchange(other.directory_, {})),
      lock_(std::move(other.lock_)),
      process_(std::exchange(other.process_, {}))
{
}

PrivateDaemon::~PrivateDaemon()
{
    if (process_.process) {
        const auto stopped = commands::stop_process(process_, stop_patience);
        if (!stopped || !*stopped) {
            (void)::syscall(SYS_pidfd_send_signal, process_.process.get(), SIGKILL, nullptr, 0);
        }
    }
    if (!directory_.empty()) {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
}

}  // namespace jobmill::demo
