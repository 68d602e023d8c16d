// SPDX-License-Identifier: MIT
#include "daemon/config.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/places.hpp"
#include "common/unique_fd.hpp"
#include "daemon/key_depth.hpp"
#include "daemon/log.hpp"
#include "daemon/memory_budget.hpp"
#include "daemon/options.hpp"
#include "daemon/pool_reader.hpp"
#include "daemon/toml_reader.hpp"

namespace jobmill::daemon {
namespace {

/// Of the file; parsing so much takes some milliseconds.
constexpr std::size_t longest_file = std::size_t{256} * 1024;

Result<void> judge_level(const std::string& name)
{
    return log::level_named(name).map([](log::Level) {});
}

Result<void> judge_format(const std::string& name)
{
    return log::format_named(name).map([](log::Format) {});
}

/// What is wrong with them is found out later.
void read_groups(TomlReader& reader, const toml::table& root, Config& config)
{
    const auto read = [&](const char* key, std::optional<std::string>& to, std::string& place) {
        reader.text(root, key, to);
        place = to ? reader.place(root.get(key)->source()) : "";
    };
    read("socket_group", config.socket_group, config.socket_group_place);
    read("admin_group", config.admin_group, config.admin_group_place);
}

void read_bounds(TomlReader& reader, const toml::table& root, Config& config)
{
    constexpr std::int64_t most_sessions = 1'000'000;
    constexpr std::uint64_t most_bytes = std::uint64_t{1} << 50U;
    constexpr std::uint64_t most_of_one = std::uint64_t{1} << 40U;
    reader.size(root, "max_payload", config.max_payload, most_of_one);
    reader.number(root, "max_jobs", config.max_jobs, 100'000'000);
    reader.size(root, "max_bytes", config.max_bytes, most_bytes);
    reader.number(root, "max_sessions", config.max_sessions, most_sessions);
    reader.bound(root, "max_jobs_per_user", config.max_jobs_per_user);
    if (root.contains("max_bytes_per_user")) {
        config.max_bytes_per_user = unlimited;
        reader.size_bound(root, "max_bytes_per_user", *config.max_bytes_per_user);
    }
    reader.bound(root, "max_sessions_per_user", config.max_sessions_per_user);
    reader.bound(root, "max_jobs_per_session", config.max_jobs_per_session);
    reader.bound(root, "max_running", config.max_running);
    reader.size_or(root, "min_free_memory", "none", config.min_free_memory);
    reader.number(root, "poison_kept", config.poison_kept, 1'000'000);
    reader.number(root, "credit_jobs", config.credit_jobs, 1'000'000);
    reader.size(root, "credit_bytes", config.credit_bytes, most_of_one);
    reader.size(root, "unread_bytes", config.unread_bytes, most_of_one);
    if (root.contains("max_unread_bytes")) {
        reader.size(root, "max_unread_bytes", config.max_unread_bytes.emplace(), most_bytes);
    }
}

void read_times(TomlReader& reader, const toml::table& root, Config& config)
{
    constexpr std::chrono::milliseconds least{1};
    reader.duration(root, "drain_timeout", config.drain_timeout);
    std::chrono::milliseconds idle_timeout{};
    reader.duration(root, "idle_timeout", idle_timeout, least);
    if (idle_timeout > std::chrono::milliseconds{0}) {
        config.idle_timeout = idle_timeout;
    }
    reader.duration(root, "frame_timeout", config.frame_timeout, least);
    reader.duration(root, "first_frame_timeout", config.first_frame_timeout, least);
    reader.duration(root, "stall_timeout", config.stall_timeout, least);
    reader.duration(root, "unread_age", config.unread_age);
    reader.spin(root, config.spin);
}

Config read(TomlReader& reader, const toml::table& root)
{
    Config config;
    reader.known_keys(root, "the configuration",
                      {"socket",
                       "socket_group",
                       "admin_group",
                       "state_dir",
                       "log_level",
                       "log_format",
                       "max_payload",
                       "max_jobs",
                       "max_bytes",
                       "max_sessions",
                       "max_jobs_per_user",
                       "max_bytes_per_user",
                       "max_running",
                       "max_jobs_per_session",
                       "max_sessions_per_user",
                       "min_free_memory",
                       "poison_kept",
                       "credit_jobs",
                       "credit_bytes",
                       "drain_timeout",
                       "idle_timeout",
                       "frame_timeout",
                       "first_frame_timeout",
                       "stall_timeout",
                       "unread_age",
                       "unread_bytes",
                       "max_unread_bytes",
                       "pool",
                       "label",
                       "spin"});
    reader.text(root, "socket", config.socket, check_socket_path);
    read_groups(reader, root, config);
    reader.text(root, "state_dir", config.state_dir, judge_state_dir);
    reader.text(root, "log_level", config.log_level, judge_level);
    reader.text(root, "log_format", config.log_format, judge_format);
    read_bounds(reader, root, config);
    read_times(reader, root, config);
    config.labels = read_labels(reader, root);
    config.pools = read_pools(reader, root);
    if (config.pools.empty()) {
        config.pools = default_config().pools;
    }
    return config;
}

}  // namespace

std::uint64_t default_max_bytes()
{
    static const std::uint64_t share = payload_share(usable_memory());
    return share;
}

UserLimits user_limits(const Config& config, bool system)
{
    const std::uint64_t part = system ? 2 : 1;
    const auto within = [](std::uint64_t total, std::optional<std::uint64_t> told,
                           std::uint64_t by_default) {
        return std::min(total, told.value_or(std::max<std::uint64_t>(1, by_default)));
    };
    UserLimits limits;
    limits.jobs = within(config.max_jobs, config.max_jobs_per_user, config.max_jobs / part);
    limits.bytes = within(config.max_bytes, config.max_bytes_per_user, config.max_bytes / part);
    limits.sessions =
        within(config.max_sessions, config.max_sessions_per_user, config.max_sessions / part);
    limits.session_jobs = within(limits.jobs, config.max_jobs_per_session, limits.jobs);
    return limits;
}

std::uint64_t unread_total(const Config& config)
{
    constexpr std::uint64_t users = 8;  // who leave all unread that they may, before others feel it
    return config.max_unread_bytes.value_or(users * config.unread_bytes);
}

Config default_config()
{
    Config config;
    config.pools.emplace_back().name = "default";
    return config;
}

Result<Config> parse_config(std::string_view text, const std::string& file)
{
    if (const auto where = too_deep_key(text)) {
        return fail(Errc::invalid, file + ":" + std::to_string(where->line) + ":" +
                                       std::to_string(where->column) + ": a key of more than " +
                                       std::to_string(most_key_parts) + " parts");
    }
    try {
        const toml::table root = toml::parse(text);
        TomlReader reader{file};
        Config config = read(reader, root);
        if (reader.error()) {
            return tl::unexpected<Error>(*reader.error());
        }
        return config;
    } catch (const toml::parse_error& error) {
        const auto& where = error.source().begin;
        return fail(Errc::invalid, file + ":" + std::to_string(where.line) + ":" +
                                       std::to_string(where.column) + ": " +
                                       std::string{error.description()});
    }
}

Result<Config> read_config(const std::string& file)
{
    // A pipe with nobody at its other end, or a device that never ends, must not stop the loop.
    const UniqueFd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!fd) {
        auto failure = fail_errno("reading " + file, errno);
        // That it is not there, or may not be read, is wrong about it as any word in it would be.
        if (failure.value().code != Errc::exhausted) {
            failure.value().code = Errc::invalid;
        }
        return failure;
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) {
        return fail_errno("reading " + file, errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return fail(Errc::invalid, file + " is no regular file");
    }
    std::string text(longest_file + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno != EINTR) {
            return fail_errno("reading " + file, errno);
        }
        if (got == 0) {
            text.resize(size);
            return parse_config(text, file);
        }
        size += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    return fail(Errc::invalid, file + " is longer than " + std::to_string(longest_file) + " bytes");
}

}  // namespace jobmill::daemon
