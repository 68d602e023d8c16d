// SPDX-License-Identifier: MIT
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

namespace jobmill::tests {

/// While it lives, this thread is another user, as far as the kernel tells it to who is connected
/// to; for tests that run as root. Only this thread: the library's own functions take all along.
class AsUser {
public:
    explicit AsUser(uid_t uid, const std::vector<gid_t>& groups = {})
    {
        const int count = ::getgroups(0, nullptr);
        groups_.resize(static_cast<std::size_t>(count < 0 ? 0 : count));
        (void)::getgroups(static_cast<int>(groups_.size()), groups_.data());
        check(::syscall(SYS_setgroups, groups.size(), groups.data()));
        check(::syscall(SYS_setresgid, -1, uid, -1));
        check(::syscall(SYS_setresuid, -1, uid, -1));
    }
    ~AsUser()
    {
        (void)::syscall(SYS_setresuid, -1, 0, -1);
        (void)::syscall(SYS_setresgid, -1, 0, -1);
        (void)::syscall(SYS_setgroups, groups_.size(), groups_.data());
    }
    AsUser(const AsUser&) = delete;
    AsUser& operator=(const AsUser&) = delete;

    [[nodiscard]] static bool possible() { return ::geteuid() == 0; }

private:
    static void check(long status)
    {
        if (status != 0) {
            throw std::system_error{errno, std::generic_category(), "becoming another user"};
        }
    }

    std::vector<gid_t> groups_;
};

}  // namespace jobmill::tests
