// SPDX-License-Identifier: MIT
#include "worker/process_setup.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <csignal>
#include <initializer_list>
#include <string>

#include "common/exit_code.hpp"
#include "common/unique_fd.hpp"

namespace jobmill {

void reset_signals()
{
    for (int signal_number = 1; signal_number < NSIG; ++signal_number) {
        // There is one thread yet. NOLINTNEXTLINE(concurrency-mt-unsafe)
        (void)::signal(signal_number, signal_number == SIGPIPE ? SIG_IGN : SIG_DFL);
    }
    sigset_t none;
    (void)::sigemptyset(&none);
    (void)::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

void tie_to(pid_t daemon)
{
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // It may have died before the call.
    if (::getppid() != daemon) {
        ::_exit(exit_code::ok);
    }
}

void offer_to_die_first()
{
    constexpr int more = 500;
    constexpr int most = 1000;
    const UniqueFd file{::open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC)};
    std::array<char, 16> text{};
    const ssize_t size = ::read(file.get(), text.data(), text.size());
    int now = 0;
    if (size <= 0 || std::from_chars(text.data(), text.data() + size, now).ec != std::errc{}) {
        return;  // a system without it, or that shows it to nobody
    }
    const std::string then = std::to_string(std::min(std::max(now, 0) + more, most));
    (void)!::pwrite(file.get(), then.data(), then.size(), 0);
}

void take_name(const char* name)
{
    (void)::prctl(PR_SET_NAME, name);
}

void leave_terminal()
{
    (void)::setsid();
}

void drop_descriptors(int first)
{
    const int null = ::open("/dev/null", O_RDWR);
    if (null > 0) {
        (void)::dup2(null, STDIN_FILENO);
    }
    for (const int output : {STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(output, F_GETFD) < 0) {
            (void)::dup2(null, output);
        }
    }
    (void)::close_range(static_cast<unsigned>(first), UINT_MAX, 0);
}

}  // namespace jobmill
