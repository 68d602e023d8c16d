// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "common/exit_code.hpp"
#include "common/places.hpp"
#include "daemon/log.hpp"
#include "daemon/options.hpp"
#include "daemon/start.hpp"
#include "daemon/supervisor.hpp"

using namespace jobmill;

namespace {

/// What we open must not be taken for standard input, output or error where one is closed.
void occupy_standard_descriptors()
{
    int fd = -1;
    do {
        fd = ::open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= 2);
    if (fd > 2) {
        ::close(fd);
    }
}

}  // namespace

int main(int argc, char** argv)
{
    occupy_standard_descriptors();
    const auto parsed = daemon::parse_options(argc, argv);
    if (const int* code = std::get_if<int>(&parsed)) {
        return *code;
    }
    const auto& options = std::get<daemon::Options>(parsed);
    auto loop = loop::EventLoop::create();
    if (!loop) {
        return daemon::complain(loop.error());
    }
    auto settled = daemon::settle(options, current_surroundings());
    if (!settled) {
        return daemon::complain(settled.error());
    }
    if (options.check_config) {
        std::puts("the configuration is good");
        return exit_code::ok;
    }
    // A client that is gone shows itself as an error of send.
    (void)std::signal(SIGPIPE, SIG_IGN);
    auto setup = daemon::set_up(std::move(*settled));
    if (!setup) {
        return daemon::complain(setup.error());
    }
    setup->read_again = [&options] {
        return daemon::settle(options, current_surroundings()).map([](daemon::Settled&& again) {
            return std::move(again.config);
        });
    };
    auto supervisor = daemon::Supervisor::create(*loop, std::move(*setup));
    if (!supervisor) {
        return daemon::complain(supervisor.error());
    }
    const int code = (*supervisor)->run();
    log::finish();
    return code;
}
