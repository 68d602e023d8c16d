// SPDX-License-Identifier: MIT
#include "daemon/options.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <sstream>

#include <CLI/CLI.hpp>

#include "common/exit_code.hpp"
#include "common/places.hpp"
#include "common/quantities.hpp"
#include "common/version.hpp"
#include "daemon/log.hpp"

namespace jobmill::daemon {
namespace {

/// Of words that `judge` has nothing against.
template <typename Judge>
CLI::Validator good_for(Judge judge)
{
    return {[judge](const std::string& word) {
                const auto judged = judge(word);
                return judged ? std::string{} : judged.error().what;
            },
            ""};
}

Result<void> judge_idle_timeout(const std::string& word)
{
    const auto timeout = parse_duration(word);
    return timeout && *timeout > std::chrono::milliseconds{0}
               ? Result<void>{}
               : fail(Errc::invalid,
                      "\"" + word + "\": want a duration above zero such as \"10m\"");
}

}  // namespace

Result<void> judge_state_dir(const std::string& path)
{
    return path.starts_with('/') ? Result<void>{}
                                 : fail(Errc::invalid, "\"" + path + "\" is not absolute");
}

int say(const std::string& text)
{
    if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) {
        return exit_code::ok;
    }
    (void)std::fprintf(stderr, "jobmilld: %s\n",
                       fail_errno("writing the output", errno).value().what.c_str());
    return exit_code::cannot_start;
}

std::variant<Options, int> parse_options(int argc, const char* const* argv)
{
    CLI::App app{"Keeps warm worker processes and runs jobs for clients of its Unix socket."};
    app.name("jobmilld");
    Options options;
    app.add_option("-c,--config", options.config, "Read this TOML file")->type_name("FILE");
    app.add_flag("--check-config", options.check_config, "Judge the configuration and leave");
    app.add_option("-s,--socket", options.socket, "Listen here")
        ->type_name("PATH")
        ->check(good_for(check_socket_path));
    app.add_option("--state-dir", options.state_dir, "Keep what must survive a restart here")
        ->type_name("DIR")
        ->check(good_for(judge_state_dir));
    app.add_option("-w,--workers", options.workers, "Workers of every pool")
        ->type_name("N")
        ->check(CLI::Range(1U, 1024U));
    app.add_option("--idle-timeout", options.idle_timeout,
                   "Leave after so long without a client and without a job, such as 10m")
        ->type_name("DURATION")
        ->check(good_for(judge_idle_timeout));
    app.add_option("-l,--log-level", options.log_level, "debug, info, warning or error")
        ->type_name("LEVEL")
        ->check(good_for(log::level_named));
    app.add_option("--log-format", options.log_format, "auto, text, json or journal")
        ->type_name("FORMAT")
        ->check(good_for(log::format_named));
    app.add_flag("--system", options.system,
                 "Be the system's daemon: its places; no commands, no paths");
    app.add_flag("--allow-root", options.allow_root,
                 "Run as root all the same with --system: every job has root's rights then");
    app.set_version_flag("-V,--version", std::string{"jobmilld "} + version);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& success) {
        std::ostringstream text;
        (void)app.exit(success, text, text);
        return say(text.str());
    } catch (const CLI::ParseError& error) {
        (void)std::fprintf(stderr, "jobmilld: %s; jobmilld --help tells more\n", error.what());
        return exit_code::usage;
    }
    return options;
}

}  // namespace jobmill::daemon
