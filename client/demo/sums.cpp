// SPDX-License-Identifier: MIT
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "asyncio_script.hpp"
#include "client/commands/outcome.hpp"
#include "client/demo/demo_parts.hpp"

namespace jobmill::demo {
namespace {

constexpr std::array<std::string_view, 2> numbers{"200000000", "50000000"};
constexpr std::array<std::string_view, 2> right{"20000000100000000", "1250000025000000"};

}  // namespace

Result<bool> sums(Client& client)
{
    std::array<Tag, 2> tags{};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        JOBMILL_TRY_ASSIGN(tags.at(i),
                           client.submit({.handler = "sum", .payload = bytes_of(numbers.at(i))}));
    }
    std::size_t ended = 0;
    bool good = true;
    while (ended < numbers.size()) {
        JOBMILL_TRY_ASSIGN(const ClientEvent event, next_or_stop(client));
        if (const auto* error = std::get_if<event::JobError>(&event)) {
            return fail(Errc::invalid, commands::text_of_error(error->error));
        }
        const auto* result = std::get_if<event::JobResult>(&event);
        if (result == nullptr) {
            continue;
        }
        const std::size_t which = result->tag == tags[0] ? 0 : 1;
        const bool in_order = which == (ended == 0 ? 1U : 0U);
        good = good && in_order && text_of(result->payload) == right.at(which);
        std::array<char, 160> line{};
        (void)std::snprintf(line.data(), line.size(), "sum  %11s = %-17s %5.0f ms%s",
                            std::string{numbers.at(which)}.c_str(),
                            std::string{text_of(result->payload)}.c_str(),
                            static_cast<double>(result->run_ns) / 1e6,
                            ended == 0 && in_order ? "  submitted second, back first" : "");
        print(line.data());
        ++ended;
    }
    return good;
}

void asyncio_sums(const std::string& socket)
{
    std::string python = "python3";
    std::string option = "-c";
    std::string script = asyncio_script;
    std::string path = socket;
    std::array<char*, 5> words{python.data(), option.data(), script.data(), path.data(), nullptr};
    pid_t pid = 0;
    if (::posix_spawnp(&pid, python.c_str(), nullptr, nullptr, words.data(), environ) != 0) {
        print("       (no python3 here: the part in asyncio is left out)");
        return;
    }
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

}  // namespace jobmill::demo
