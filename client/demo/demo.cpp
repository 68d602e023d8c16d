// SPDX-License-Identifier: MIT
// demo: what jobmill is for, in half a minute. Without --socket it has a daemon of its own and
// leaves nothing but the generated data.
#include <optional>

#include "client/commands/common_options.hpp"
#include "client/commands/follow.hpp"
#include "client/commands/interrupts.hpp"
#include "client/commands/listener.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/output.hpp"
#include "client/demo/compare.hpp"
#include "client/demo/demo_parts.hpp"
#include "client/demo/ngram_data.hpp"
#include "client/demo/private_daemon.hpp"
#include "common/exit_code.hpp"

namespace jobmill::demo {

void print(const std::string& line)
{
    (void)commands::write_all(commands::standard_output, bytes_of(line + "\n"));
}

Result<ClientEvent> next_or_stop(Client& client)
{
    JOBMILL_TRY_ASSIGN(auto event, commands::next_event(client));
    if (!event) {
        return fail(Errc::closed, "interrupted");
    }
    return std::move(*event);
}

namespace {

constexpr std::uint64_t usual_files = 4000;

Result<std::vector<std::string>> data_of(const commands::DemoOptions& options)
{
    return options.data.empty() ? ngram_files() : options.data;
}

Result<bool> show_comparison(const commands::DemoOptions& options)
{
    JOBMILL_TRY_ASSIGN(const std::vector<std::string> files, data_of(options));
    return compare(files);
}

Result<bool> show(const std::string& socket, const commands::DemoOptions& options)
{
    if (options.contender) {
        JOBMILL_TRY_ASSIGN(Client client, Client::connect(socket, {.name = "jobmill demo"}));
        return contend(client, options.data, options.chaos);
    }
    JOBMILL_TRY_ASSIGN(Client client, Client::connect(socket, {.name = "jobmill demo"}));
    JOBMILL_TRY_ASSIGN(const bool in_order, sums(client));
    asyncio_sums(socket);
    JOBMILL_TRY_ASSIGN(const bool counted,
                       words(client, options.words_files > 0 ? options.words_files : usual_files));
    JOBMILL_TRY_ASSIGN(const std::vector<std::string> files, data_of(options));
    JOBMILL_TRY_ASSIGN(const bool equal, ngrams(client, files, options.chaos));
    return in_order && counted && equal;
}

}  // namespace
}  // namespace jobmill::demo

namespace jobmill::commands {
namespace {

int exit_code_of(const Result<bool>& shown)
{
    if (interrupted() != 0 || output_is_gone()) {
        return abandoned_exit_code();
    }
    if (!shown) {
        return failed(shown.error());
    }
    return *shown ? exit_code::ok : exit_code::job_failed;
}

}  // namespace

int demo(const CommonOptions& common, const DemoOptions& options)
{
    if (options.compare) {
        return exit_code_of(demo::show_comparison(options));
    }
    std::optional<demo::PrivateDaemon> daemon;
    std::string socket = common.socket;
    if (socket.empty()) {
        auto started = demo::PrivateDaemon::start();
        if (!started) {
            return failed(started.error());
        }
        daemon.emplace(std::move(*started));
        socket = daemon->socket();
    }
    return exit_code_of(demo::show(socket, options));
}

}  // namespace jobmill::commands
