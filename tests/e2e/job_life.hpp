// SPDX-License-Identifier: MIT
// What the tests of a job's whole life have in common.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {

/// What status says; of all that it tells, the member of that name.
[[nodiscard]] Value status_of(const Daemon& daemon);
/// Of a list of status the entry whose `key` is that text; an empty value when there is none.
[[nodiscard]] Value listed(const Daemon& daemon, std::string_view list, std::string_view key,
                           std::string_view text);

/// A member of a result's cause; an empty value when there is none.
[[nodiscard]] Value cause_of(const Value& result, std::string_view member);
/// The states of the attempts before the last, a space between two.
[[nodiscard]] std::string attempts_of(const Value& result);

/// Until a job of until_cancelled or stops_if_cancelled has looked at its flag: who has not is told
/// by a signal. It was submitted with "started".
void await_looking(JsonClient& client, std::string_view id);
/// Submits, and returns when it runs. `more` as for submit().
void begin(JsonClient& client, std::string_view id, std::string_view handler,
           std::string_view payload = "", const std::string& more = "");
/// Submits a shell's command; `more` as for submit().
void submit_shell(JsonClient& client, std::string_view id, const std::string& script,
                  const std::string& more = "");
/// Until the job of that id has ended with that state.
[[nodiscard]] std::string end_of(JsonClient& client, std::string_view id);

/// A request without a job, and its answer: the document, or the error.
Value ask(JsonClient& client, std::string_view op, const std::string& more = "");

/// Another configuration in the place of the daemon's own, and the answer to its reload.
Value reload_with(const Daemon& daemon, const std::string& config);

/// Whether none of these processes is there any more.
[[nodiscard]] bool all_gone(const std::vector<pid_t>& pids);
/// Numbers of processes, as a job tells them.
[[nodiscard]] std::vector<pid_t> pids_in(std::string_view text);

}  // namespace jobmill::tests
