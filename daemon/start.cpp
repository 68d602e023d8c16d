// SPDX-License-Identifier: MIT
#include "daemon/start.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "common/exit_code.hpp"
#include "common/version.hpp"
#include "daemon/descriptor_limit.hpp"
#include "daemon/log.hpp"

namespace jobmill::daemon {
namespace {

constexpr auto system_config = "/etc/jobmill/jobmill.toml";
constexpr auto system_state_dir = "/var/lib/jobmill";

/// What was installed with us lies below it: the parent of our own program's directory.
Result<std::string> own_prefix()
{
    std::array<char, 4096> self{};
    const ssize_t size = ::readlink("/proc/self/exe", self.data(), self.size());
    if (size <= 0) {
        return fail_errno("/proc/self/exe", errno);
    }
    const std::filesystem::path path{std::string_view{self.data(), static_cast<std::size_t>(size)}};
    return path.parent_path().parent_path().string();
}

Result<UniqueFd> open_worker_program(const std::string& prefix)
{
    const std::string path = prefix + "/libexec/jobmill-worker";
    // Held open from now on: an upgrade on disk does not mix versions under a running daemon.
    UniqueFd program{::open(path.c_str(), O_PATH | O_CLOEXEC)};
    if (!program) {
        return fail_errno("worker program " + path, errno);
    }
    return program;
}

/// Whether they are there is found out when a pool wants them.
PythonFiles python_files(const std::string& prefix)
{
    return {.library = prefix + "/libexec/jobmill-runtime.so",
            .bootstrap = prefix + "/" JOBMILL_PYTHON_DIR "/jobmill/_bootstrap.py"};
}

/// The file that says how to run; empty when there is none. One that is there and cannot be reached
/// is not none: reading it will say why.
std::string config_file(const Options& options, const Surroundings& surroundings)
{
    if (options.config) {
        return *options.config;
    }
    std::string usual = options.system ? system_config : user_config_path(surroundings);
    struct stat status {};
    const bool none = ::lstat(usual.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR);
    return none ? std::string{} : usual;
}

/// An error with the place in the file of what it is about.
Result<void> placed(const std::string& place, Result<std::optional<gid_t>> group)
{
    return group || place.empty() ? group.map([](const auto&) {})
                                  : fail(group.error().code, place + ": " + group.error().what);
}

/// The socket that the service manager has bound for us, or our own.
Result<SocketPlace> take_place(const Settled& settled, ServiceManager& service)
{
    auto passed = service.take_sockets();
    if (passed.empty()) {
        JOBMILL_TRY(check_runtime_dir(current_surroundings(), settled.socket, ::geteuid()));
        JOBMILL_TRY_ASSIGN(const auto group,
                           socket_group(settled.config.socket_group, settled.system));
        return SocketPlace::take(settled.socket, group);
    }
    JOBMILL_TRY_ASSIGN(SocketPlace place, SocketPlace::adopt(std::move(passed)));
    if (settled.socket_told && place.path() != settled.socket) {
        return fail(Errc::invalid, "the service manager listens at " + place.path() +
                                       ", but the configuration says " + settled.socket);
    }
    return place;
}

/// Moves the daemon, and with it all that it starts, when some pool may want groups for its
/// workers.
Cgroups open_cgroups(const Config& config)
{
    const bool wanted = std::any_of(
        config.pools.begin(), config.pools.end(),
        [](const PoolSettings& pool) { return pool.cgroup != PoolSettings::Cgroup::off; });
    if (!wanted) {
        return Cgroups::off("no pool wanted any when the daemon started");
    }
    Cgroups cgroups = Cgroups::open();
    if (!cgroups.on()) {
        log::info("no control groups", {{"cause", cgroups.why_off()}}, log::always);
    }
    return cgroups;
}

}  // namespace

Result<Settled> settle(const Options& options, const Surroundings& surroundings)
{
    Settled settled;
    settled.config_file = config_file(options, surroundings);
    JOBMILL_TRY_ASSIGN(settled.config, settled.config_file.empty()
                                           ? Result<Config>{default_config()}
                                           : read_config(settled.config_file));
    Config& config = settled.config;
    settled.system = options.system;
    settled.allow_root = options.allow_root;
    // A reload compares what is in force with what would be.
    if (options.socket) {
        config.socket = options.socket;
    }
    if (options.state_dir) {
        config.state_dir = options.state_dir;
    }
    settled.socket_told = config.socket.has_value();
    if (options.log_level) {
        config.log_level = options.log_level;
    }
    if (options.log_format) {
        config.log_format = options.log_format;
    }
    if (options.idle_timeout) {
        JOBMILL_TRY_ASSIGN(config.idle_timeout, parse_duration(*options.idle_timeout));
    }
    JOBMILL_TRY(placed(config.admin_group_place, named_group("admin_group", config.admin_group)));
    JOBMILL_TRY(
        placed(config.socket_group_place, socket_group(config.socket_group, options.system)));
    if (options.workers) {
        for (PoolSettings& pool : config.pools) {
            pool.workers = options.workers;
        }
    }
    settled.socket = config.socket.value_or(options.system ? system_socket_path
                                                           : user_socket_path(surroundings));
    JOBMILL_TRY(check_socket_path(settled.socket));
    settled.state_dir =
        config.state_dir.value_or(options.system ? system_state_dir : user_state_dir(surroundings));
    if (settled.state_dir.empty() || settled.state_dir.front() != '/') {
        return fail(Errc::invalid, "state directory \"" + settled.state_dir + "\" is not absolute");
    }
    return settled;
}

Result<Supervisor::Setup> set_up(Settled settled)
{
    JOBMILL_TRY_ASSIGN(const log::Level level,
                       log::level_named(settled.config.log_level.value_or("info")));
    JOBMILL_TRY_ASSIGN(const log::Format format,
                       log::format_named(settled.config.log_format.value_or("auto")));
    JOBMILL_TRY(log::start(level, format));
    raise_descriptor_limit();
    OwnUser user = own_user();
    JOBMILL_TRY(judge_user(user, settled.system, settled.allow_root));
    log::info("starting",
              {{"version", version},
               {"jobs_as", user.text()},
               {"config", settled.config_file},
               {"socket", settled.socket},
               {"state_dir", settled.state_dir}},
              log::always);
    JOBMILL_TRY_ASSIGN(ServiceManager service, ServiceManager::from_environment());
    JOBMILL_TRY_ASSIGN(const std::string prefix, own_prefix());
    JOBMILL_TRY_ASSIGN(UniqueFd worker_program, open_worker_program(prefix));
    JOBMILL_TRY_ASSIGN(SocketPlace place, take_place(settled, service));
    JOBMILL_TRY_ASSIGN(JobIds job_ids, JobIds::open(settled.state_dir));
    // Last, when nothing refuses the daemon's start any more, and before any other process of ours.
    Cgroups cgroups = open_cgroups(settled.config);
    return Supervisor::Setup{.config = std::move(settled.config),
                             .worker_program = std::move(worker_program),
                             .python = python_files(prefix),
                             .cgroups = std::move(cgroups),
                             .place = std::move(place),
                             .job_ids = std::move(job_ids),
                             .service = std::move(service),
                             .user = std::move(user),
                             .system = settled.system,
                             .read_again = {},
                             .config_file = std::move(settled.config_file)};
}

int complain(const Error& error)
{
    (void)std::fprintf(stderr, "jobmilld: %s\n", error.what.c_str());
    if (error.code == Errc::in_use) {
        return exit_code::already_running;
    }
    return error.code == Errc::invalid || error.code == Errc::not_allowed ? exit_code::bad_config
                                                                          : exit_code::cannot_start;
}

}  // namespace jobmill::daemon
