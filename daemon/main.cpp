// SPDX-License-Identifier: MIT
#include <csignal>
#include <cstdio>
#include <exception>
#include <initializer_list>

#include "common/exit_code.hpp"
#include "common/fd_io.hpp"
#include "common/places.hpp"
#include "daemon/log.hpp"
#include "daemon/options.hpp"
#include "daemon/start.hpp"
#include "daemon/supervisor.hpp"

namespace jobmill::daemon {
namespace {

/// Signals that would end the daemon and all its jobs, and of which no process that stops it in
/// earnest thinks. Children have the defaults.
void ignore_strays()
{
    // A client that is gone shows itself as an error of send, a file's limit as one of write.
    for (const int signal_number :
         {SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR}) {
        (void)std::signal(signal_number, SIG_IGN);
    }
}

/// These and no others, whatever was blocked where we were started.
void block_only(std::initializer_list<int> signal_numbers)
{
    sigset_t signals;
    (void)::sigemptyset(&signals);
    for (const int signal_number : signal_numbers) {
        (void)::sigaddset(&signals, signal_number);
    }
    (void)::pthread_sigmask(SIG_SETMASK, &signals, nullptr);
}

int run(int argc, char** argv)
{
    occupy_standard_descriptors();
    const auto parsed = parse_options(argc, argv);
    if (const int* code = std::get_if<int>(&parsed)) {
        return *code;
    }
    const auto& options = std::get<Options>(parsed);
    auto loop = loop::EventLoop::create();
    if (!loop) {
        return complain(loop.error());
    }
    // It asks for a reload from now on, and waits until somebody listens.
    block_only({SIGHUP});
    auto settled = settle(options, current_surroundings());
    if (!settled) {
        return complain(settled.error());
    }
    if (options.check_config) {
        return say("the configuration is good\n");
    }
    ignore_strays();
    auto setup = set_up(std::move(*settled));
    if (!setup) {
        return complain(setup.error());
    }
    setup->read_again = [&options,
                         file = setup->config_file]() mutable -> Result<Reloader::Reading> {
        JOBMILL_TRY_ASSIGN(Settled again, settle(options, current_surroundings()));
        if (!file.empty() && again.config_file.empty()) {
            return fail(Errc::not_found, file + " is gone; an empty one would mean the defaults");
        }
        file = again.config_file;
        return Reloader::Reading{.config = std::move(again.config), .file = file};
    };
    auto supervisor = Supervisor::create(*loop, std::move(*setup));
    if (!supervisor) {
        return complain(supervisor.error());
    }
    block_only({});
    const int code = (*supervisor)->run();
    log::finish();
    return code;
}

}  // namespace
}  // namespace jobmill::daemon

int main(int argc, char** argv)
{
    try {
        return jobmill::daemon::run(argc, argv);
    } catch (const std::exception& error) {
        // Out of memory, that is; everything else is told by values.
        (void)std::fprintf(stderr, "jobmilld: %s\n", error.what());
        return jobmill::exit_code::jobmill_failed;
    }
}
