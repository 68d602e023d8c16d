// SPDX-License-Identifier: MIT
#include "daemon/config.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/unique_fd.hpp"
#include "daemon/pool_reader.hpp"
#include "daemon/toml_reader.hpp"

namespace jobmill::daemon {
namespace {

/// Of the file; parsing so much takes some milliseconds.
constexpr std::size_t longest_file = std::size_t{256} * 1024;

Config read(TomlReader& reader, const toml::table& root)
{
    Config config;
    reader.known_keys(
        root, "the configuration",
        {"socket", "socket_group", "state_dir", "log_level", "log_format", "max_payload",
         "max_jobs", "max_bytes", "max_sessions", "credit_jobs", "credit_bytes", "drain_timeout",
         "idle_timeout", "frame_timeout", "unread_age", "unread_bytes", "pool"});
    reader.text(root, "socket", config.socket);
    reader.text(root, "socket_group", config.socket_group);
    reader.text(root, "state_dir", config.state_dir);
    reader.text(root, "log_level", config.log_level);
    reader.text(root, "log_format", config.log_format);
    reader.size(root, "max_payload", config.max_payload, std::uint64_t{1} << 40U);
    reader.number(root, "max_jobs", config.max_jobs, 100'000'000);
    reader.size(root, "max_bytes", config.max_bytes, std::uint64_t{1} << 50U);
    reader.number(root, "max_sessions", config.max_sessions, 1'000'000);
    reader.number(root, "credit_jobs", config.credit_jobs, 1'000'000);
    reader.size(root, "credit_bytes", config.credit_bytes, std::uint64_t{1} << 40U);
    reader.duration(root, "drain_timeout", config.drain_timeout);
    std::chrono::milliseconds idle_timeout{};
    reader.duration(root, "idle_timeout", idle_timeout, std::chrono::milliseconds{1});
    if (idle_timeout > std::chrono::milliseconds{0}) {
        config.idle_timeout = idle_timeout;
    }
    reader.duration(root, "frame_timeout", config.frame_timeout, std::chrono::milliseconds{1});
    reader.duration(root, "unread_age", config.unread_age);
    reader.size(root, "unread_bytes", config.unread_bytes, std::uint64_t{1} << 40U);
    config.pools = read_pools(reader, root);
    if (config.pools.empty()) {
        config.pools = default_config().pools;
    }
    return config;
}

}  // namespace

Config default_config()
{
    Config config;
    config.pools.push_back(PoolSettings{.name = "default",
                                        .workers = {},
                                        .modules = {},
                                        .exec = {},
                                        .start = PoolSettings::Start::fork,
                                        .environment = {}});
    return config;
}

Result<Config> parse_config(std::string_view text, const std::string& file)
{
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
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) {
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
