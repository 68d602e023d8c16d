// SPDX-License-Identifier: MIT
#include "common/mountinfo.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "common/take_until.hpp"
#include "common/unique_fd.hpp"

namespace jobmill {

Mount take_mount(std::string_view& mountinfo)
{
    // "36 35 98:0 ROOT POINT options optional... - TYPE source options"
    constexpr std::string_view separator = " - ";
    std::string_view line = take_until(mountinfo, '\n');
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

std::string read_mountinfo()
{
    constexpr std::size_t most = 1U << 20U;
    const UniqueFd file{::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)};
    std::string text;
    std::array<char, 16384> buffer{};
    while (file && text.size() < most) {
        const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
        if (size <= 0) {
            break;
        }
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return text;
}

}  // namespace jobmill
