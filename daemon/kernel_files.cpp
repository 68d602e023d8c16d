// SPDX-License-Identifier: MIT
#include "daemon/kernel_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "common/take_until.hpp"
#include "common/unique_fd.hpp"
#include "jobmill/job_options.hpp"

namespace jobmill::daemon {
namespace {

constexpr std::size_t longest_file = std::size_t{64} * 1024;

/// All digits of it, with nothing but white space around them.
std::optional<std::uint64_t> whole_number(std::string_view text)
{
    constexpr std::string_view space = " \t\n";
    const std::size_t first = text.find_first_not_of(space);
    if (first == std::string_view::npos) {
        return {};
    }
    text = text.substr(first, text.find_last_not_of(space) - first + 1);
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end) {
        return {};
    }
    return number;
}

}  // namespace

Result<std::string> read_kernel_file(const std::string& path)
{
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!file) {
        return fail_errno("reading " + path, errno);
    }
    std::string text(4096, '\0');
    std::size_t size = 0;
    while (size < longest_file) {
        text.resize(std::max(text.size(), std::min(2 * size, longest_file)));
        const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_errno("reading " + path, errno);
        }
        if (got == 0) {
            break;
        }
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

Result<void> write_kernel_file(const std::string& path, std::string_view text)
{
    const UniqueFd file{::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK)};
    if (!file) {
        return fail_errno("writing " + path, errno);
    }
    const ssize_t wrote = ::write(file.get(), text.data(), text.size());
    if (wrote != static_cast<ssize_t>(text.size())) {
        return fail_errno("writing " + path, wrote < 0 ? errno : EIO);
    }
    return {};
}

std::optional<std::uint64_t> kernel_number(const std::string& path)
{
    const auto text = read_kernel_file(path);
    if (!text) {
        return {};
    }
    return *text == "max\n" || *text == "max" ? unlimited : whole_number(*text);
}

std::optional<std::uint64_t> number_after(std::string_view text, std::string_view word)
{
    while (!text.empty()) {
        std::string_view line = take_until(text, '\n');
        const std::size_t number = line.find_first_not_of(" \t", word.size());
        if (line.starts_with(word) && number != std::string_view::npos && number > word.size()) {
            line.remove_prefix(number);
            if (line.ends_with(" kB")) {
                line.remove_suffix(3);
            }
            return whole_number(line);
        }
    }
    return {};
}

}  // namespace jobmill::daemon
