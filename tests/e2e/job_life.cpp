// SPDX-License-Identifier: MIT
#include "tests/e2e/job_life.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace jobmill::tests {

Value status_of(const Daemon& daemon)
{
    JsonClient client = daemon.json();
    return ask(client, "status");
}

Value listed(const Daemon& daemon, std::string_view list, std::string_view key,
             std::string_view text)
{
    const Value status = status_of(daemon);
    const Value* entries = status.find(list);
    REQUIRE(entries != nullptr);
    for (const Value& entry : *entries->array()) {
        if (entry.text_at(key) == text) {
            return entry;
        }
    }
    return {};
}

Value cause_of(const Value& result, std::string_view member)
{
    const Value* cause = result.find("cause");
    const Value* found = cause == nullptr ? nullptr : cause->find(member);
    return found == nullptr ? Value{} : *found;
}

std::string attempts_of(const Value& result)
{
    std::string states;
    if (const Value* attempts = result.find("attempts")) {
        for (const Value& attempt : *attempts->array()) {
            states += (states.empty() ? "" : " ") + std::string{attempt.text_at("state")};
        }
    }
    return states;
}

void begin(JsonClient& client, std::string_view id, std::string_view handler,
           std::string_view payload, const std::string& more)
{
    client.submit(id, handler, payload, more + R"(,"started":true)");
    if (handler == "until_cancelled") {
        await_looking(client, id);
    } else {
        (void)client.next("started", id);
    }
}

void await_looking(JsonClient& client, std::string_view id)
{
    (void)client.next("started", id);
    (void)client.next("chunk", id);
}

void submit_shell(JsonClient& client, std::string_view id, const std::string& script,
                  const std::string& more)
{
    client.send(R"({"op":"submit","id":")" + std::string{id} +
                R"(","handler":"exec","args":{"argv":["/bin/sh","-c",")" + script + "\"]}" + more +
                "}");
}

std::string end_of(JsonClient& client, std::string_view id)
{
    return std::string{client.result(id).text_at("state")};
}

Value ask(JsonClient& client, std::string_view op, const std::string& more)
{
    client.send(R"({"op":")" + std::string{op} + R"(","id":"asked")" + more + "}");
    return client.next("", "asked");
}

Value reload_with(const Daemon& daemon, const std::string& config)
{
    std::ofstream{daemon.place().directory() + "/jobmill.toml", std::ios::trunc} << config;
    JsonClient client = daemon.json();
    return ask(client, "reload");
}

bool all_gone(const std::vector<pid_t>& pids)
{
    return std::none_of(pids.begin(), pids.end(), process_exists);
}

std::vector<pid_t> pids_in(std::string_view text)
{
    std::istringstream numbers{std::string{text}};
    std::vector<pid_t> pids;
    for (pid_t pid = 0; numbers >> pid;) {
        pids.push_back(pid);
    }
    return pids;
}

}  // namespace jobmill::tests
