// SPDX-License-Identifier: MIT
#include "client/held_lock.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "common/mountinfo.hpp"
#include "common/take_until.hpp"
#include "common/unique_fd.hpp"

namespace jobmill {
namespace {

/// A file of /proc; empty when it cannot be read.
std::string text_of(const std::string& path)
{
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::string text;
    std::array<char, 4096> part{};
    for (ssize_t size = 1; file && size > 0;) {
        size = ::read(file.get(), part.data(), part.size());
        text.append(part.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    }
    return text;
}

/// The next word of a line.
std::string_view take_word(std::string_view& line)
{
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return take_until(line, ' ');
}

/// What follows the first word of a line, in the line that begins with it.
std::string_view line_of(std::string_view text, std::string_view first)
{
    while (!text.empty()) {
        std::string_view line = take_until(text, '\n');
        if (line.substr(0, line.find_first_of(" \t")) == first) {
            line.remove_prefix(first.size());
            return line;
        }
    }
    return {};
}

/// "8:1", of the file system that is mounted there, as /proc/locks spells it.
std::string device_of(std::string_view mount, dev_t otherwise)
{
    const std::string mounts = mount.empty() ? "" : read_mountinfo();
    std::string_view line = line_of(mounts, mount);
    (void)take_word(line);  // the mount above it
    std::string_view device = take_word(line);
    unsigned first = major(otherwise);
    unsigned second = minor(otherwise);
    for (unsigned* each : {&first, &second}) {
        const std::string_view digits = take_until(device, ':');
        (void)std::from_chars(digits.data(), digits.data() + digits.size(), *each);
    }
    std::array<char, 32> text{};
    (void)std::snprintf(text.data(), text.size(), "%02x:%02x", first, second);
    return text.data();
}

/// As /proc/locks calls the file. In some file systems, such as overlay and Btrfs, stat has other
/// numbers for it than the kernel's locks.
std::string name_of(int file)
{
    struct stat status {};
    if (::fstat(file, &status) != 0) {
        return {};
    }
    const std::string about = text_of("/proc/self/fdinfo/" + std::to_string(file));
    std::string_view mount = line_of(about, "mnt_id:");
    std::string_view inode = line_of(about, "ino:");  // since Linux 5.14
    const std::string_view known = take_word(inode);
    return device_of(take_word(mount), status.st_dev) + ":" +
           (known.empty() ? std::to_string(status.st_ino) : std::string{known});
}

/// Whether the text of /proc/locks says so.
bool is_among(std::string_view locks, const std::string& holder, const std::string& name)
{
    for (std::string_view rest = locks; !rest.empty();) {
        // "1: FLOCK  ADVISORY  WRITE 812 08:01:4711 0 EOF"; an arrow is before FLOCK of who waits.
        std::string_view line = take_until(rest, '\n');
        (void)take_word(line);
        const bool of_file = take_word(line) == "FLOCK";
        (void)take_word(line);
        (void)take_word(line);
        const bool of_process = take_word(line) == holder;
        if (of_file && of_process && take_word(line) == name) {
            return true;
        }
    }
    return false;
}

/// Whether one of its descriptors is that file, and locks it.
bool locks_by_descriptor(const std::string& pid, int file)
{
    struct Close {
        void operator()(DIR* directory) const { (void)::closedir(directory); }
    };
    const std::unique_ptr<DIR, Close> directory{::opendir(("/proc/" + pid + "/fd").c_str())};
    struct stat wanted {};
    if (!directory || ::fstat(file, &wanted) != 0) {
        return false;
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else has this directory
    while (const dirent* const entry = ::readdir(directory.get())) {
        struct stat status {};
        if (::fstatat(::dirfd(directory.get()), &entry->d_name[0], &status, 0) == 0 &&
            status.st_dev == wanted.st_dev && status.st_ino == wanted.st_ino &&
            text_of("/proc/" + pid + "/fdinfo/" + &entry->d_name[0]).find("FLOCK") !=
                std::string::npos) {
            return true;
        }
    }
    return false;
}

}  // namespace

bool holds_lock(pid_t pid, int file)
{
    const std::string holder = std::to_string(pid);
    // There are none with ProcSubset=pid. More of them than a page are read in parts, and one that
    // goes meanwhile may hide another. But descriptors are told to their own user alone.
    return is_among(text_of("/proc/locks"), holder, name_of(file)) ||
           locks_by_descriptor(holder, file);
}

}  // namespace jobmill
