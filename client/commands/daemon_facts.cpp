// SPDX-License-Identifier: MIT
#include "client/commands/daemon_facts.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <fstream>
#include <iterator>
#include <string_view>

#include "client/socket_holder.hpp"
#include "client/starter.hpp"
#include "common/places.hpp"

namespace jobmill::commands {
namespace {

/// Texts that end with NUL each.
std::vector<std::string> texts_in(const std::string& path)
{
    std::ifstream file{path, std::ios::binary};
    std::vector<std::string> texts;
    for (std::string text; std::getline(file, text, '\0');) {
        texts.push_back(text);
    }
    return texts;
}

/// The value of an option: the word after it, or what follows its "=".
std::string option(const std::vector<std::string>& words, std::string_view name,
                   std::string_view letter)
{
    for (std::size_t i = 1; i < words.size(); ++i) {
        const std::string_view word = words[i];
        if ((word == name || word == letter) && i + 1 < words.size()) {
            return words[i + 1];
        }
        if (word.starts_with(std::string{name} + "=")) {
            return std::string{word.substr(name.size() + 1)};
        }
    }
    return {};
}

std::string variable(const std::vector<std::string>& environment, std::string_view name)
{
    for (const std::string& each : environment) {
        if (each.size() > name.size() && each.starts_with(name) && each[name.size()] == '=') {
            return each.substr(name.size() + 1);
        }
    }
    return {};
}

}  // namespace

DaemonFacts facts_from(const std::vector<std::string>& words,
                       const std::vector<std::string>& environment)
{
    DaemonFacts facts{.started_by = variable(environment, started_by_variable),
                      .idle_timeout = option(words, "--idle-timeout", ""),
                      .config = option(words, "--config", "-c"),
                      .readable = !words.empty()};
    if (facts.config.empty()) {
        facts.config = user_config_path({.config_home = variable(environment, "XDG_CONFIG_HOME"),
                                         .home = variable(environment, "HOME")});
    }
    return facts;
}

DaemonFacts facts_of(pid_t pid)
{
    const std::string process = "/proc/" + std::to_string(pid);
    const std::vector<std::string> environment = texts_in(process + "/environ");
    if (environment.empty()) {
        return {};
    }
    DaemonFacts facts = facts_from(texts_in(process + "/cmdline"), environment);
    if (::access(facts.config.c_str(), F_OK) != 0) {
        facts.config.clear();
    }
    std::array<char, PATH_MAX> output{};
    const ssize_t size = ::readlink((process + "/fd/2").c_str(), output.data(), output.size());
    facts.output.assign(output.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    return facts;
}

DaemonFacts facts_of(const Client& client)
{
    const auto daemon = find_peer_daemon(client.fd(), static_cast<pid_t>(client.welcome().pid));
    return daemon ? facts_of(daemon->pid) : DaemonFacts{};
}

bool logs_to_file(const DaemonFacts& facts)
{
    struct stat status {};
    return facts.output.starts_with('/') && ::stat(facts.output.c_str(), &status) == 0 &&
           S_ISREG(status.st_mode);
}

}  // namespace jobmill::commands
