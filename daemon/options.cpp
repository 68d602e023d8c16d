// SPDX-License-Identifier: MIT
#include "daemon/options.hpp"

#include <CLI/CLI.hpp>

#include "common/exit_code.hpp"
#include "common/version.hpp"

namespace jobmill::daemon {

std::variant<Options, int> parse_options(int argc, const char* const* argv)
{
    CLI::App app{"Keeps warm worker processes and runs jobs for clients of its Unix socket."};
    app.name("jobmilld");
    Options options;
    app.add_option("-c,--config", options.config, "Read this TOML file")->type_name("FILE");
    app.add_flag("--check-config", options.check_config, "Judge the configuration and leave");
    app.add_option("-s,--socket", options.socket, "Listen here")->type_name("PATH");
    app.add_option("--state-dir", options.state_dir, "Keep what must survive a restart here")
        ->type_name("DIR");
    app.add_option("-w,--workers", options.workers, "Workers of every pool")
        ->type_name("N")
        ->check(CLI::Range(1U, 1024U));
    app.add_option("--idle-timeout", options.idle_timeout,
                   "Leave after so long without a client and without a job, such as 10m")
        ->type_name("DURATION");
    app.add_option("-l,--log-level", options.log_level, "debug, info, warning or error")
        ->type_name("LEVEL");
    app.add_option("--log-format", options.log_format, "auto, text, json or journal")
        ->type_name("FORMAT");
    app.add_flag("--system", options.system,
                 "Be the system's daemon: its places; no commands, no paths");
    app.add_flag("--allow-root", options.allow_root,
                 "Run as root all the same with --system: every job has root's rights then");
    app.set_version_flag("-V,--version", std::string{"jobmilld "} + version);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? exit_code::ok : exit_code::usage;
    }
    return options;
}

}  // namespace jobmill::daemon
