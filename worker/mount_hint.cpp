// SPDX-License-Identifier: MIT
#include "worker/mount_hint.hpp"

#include <cerrno>

#include "common/mountinfo.hpp"

namespace jobmill {
namespace {

bool lies_in(std::string_view path, std::string_view directory)
{
    return directory == "/" || path == directory ||
           (path.starts_with(directory) && path.substr(directory.size()).starts_with('/'));
}

}  // namespace

std::string hint_from_mounts(std::string_view path, std::string_view mountinfo)
{
    Mount last;
    while (!mountinfo.empty()) {
        const Mount mount = take_mount(mountinfo);
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
