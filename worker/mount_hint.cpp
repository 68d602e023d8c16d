// SPDX-License-Identifier: MIT
#include "worker/mount_hint.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/unique_fd.hpp"

namespace jobmill {
namespace {

/// A machine with more mounts than that gets no hint.
constexpr std::size_t most_mountinfo = 1U << 20U;

struct Mount {
    std::string_view root;  ///< what of its file system is mounted
    std::string_view point;
    std::string_view type;
};

std::string_view take_until(std::string_view& rest, char end)
{
    const std::size_t at = rest.find(end);
    const std::string_view taken = rest.substr(0, at);
    rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
    return taken;
}

/// "36 35 98:0 ROOT POINT options optional... - TYPE source options"
Mount read_mount(std::string_view line)
{
    constexpr std::string_view separator = " - ";
    Mount mount;
    for (int skipped = 0; skipped < 3; ++skipped) {
        (void)take_until(line, ' ');
    }
    mount.root = take_until(line, ' ');
    mount.point = take_until(line, ' ');
    if (const std::size_t at = line.find(separator); at != std::string_view::npos) {
        line.remove_prefix(at + separator.size());
        mount.type = take_until(line, ' ');
    }
    return mount;
}

bool lies_in(std::string_view path, std::string_view directory)
{
    return directory == "/" || path == directory ||
           (path.starts_with(directory) && path.substr(directory.size()).starts_with('/'));
}

std::string read_mountinfo()
{
    const UniqueFd file{::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)};
    std::string text;
    std::array<char, 16384> buffer{};
    while (file && text.size() < most_mountinfo) {
        const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
        if (size <= 0) {
            break;
        }
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return text;
}

}  // namespace

std::string hint_from_mounts(std::string_view path, std::string_view mountinfo)
{
    Mount last;
    while (!mountinfo.empty()) {
        const Mount mount = read_mount(take_until(mountinfo, '\n'));
        // The deepest is the one that counts, and of several in one place the latest.
        if (lies_in(path, mount.point) && mount.point.size() >= last.point.size()) {
            last = mount;
        }
    }
    const std::string point{last.point};
    if (last.root.find("/systemd-private-") != std::string_view::npos) {
        return " (this service has its own " + point + ": PrivateTmp= of its unit)";
    }
    const bool home = point == "/home" || point == "/root" || point == "/run/user";
    if (home && (last.type == "tmpfs" || last.root.ends_with("/systemd/inaccessible/dir"))) {
        return " (this service does not see " + point + ": ProtectHome= of its unit)";
    }
    if (last.root.find("/systemd/inaccessible/") != std::string_view::npos) {
        return " (this service does not see " + point + ": InaccessiblePaths= of its unit)";
    }
    return {};
}

std::string mount_hint(const std::string& path, int error_number)
{
    const bool of_sight = error_number == ENOENT || error_number == EACCES || error_number == EPERM;
    if (!of_sight || !path.starts_with('/')) {
        return {};
    }
    return hint_from_mounts(path, read_mountinfo());
}

}  // namespace jobmill
