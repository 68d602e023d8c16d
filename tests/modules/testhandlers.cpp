// SPDX-License-Identifier: MIT
#include "tests/modules/testhandlers.hpp"

#include <charconv>

namespace testhandlers {

std::uint64_t number_of(const Job& job, std::uint64_t fallback)
{
    const std::string_view text = job.payload();
    std::uint64_t number = fallback;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (!text.empty() && (error != std::errc{} || end != text.data() + text.size())) {
        throw jobmill::Failure{"the payload is no number"};
    }
    return number;
}

}  // namespace testhandlers

namespace {
using namespace testhandlers;
}  // namespace

JOBMILL_MODULE(
    "testhandlers", {"segv", "writes to address 0", segv},
    {"abort", "calls abort()", testhandlers::abort}, {"fpe", "divides by zero", fpe},
    {"kill", "sends itself SIGKILL", testhandlers::kill},
    {"exit", "leaves with the code in the payload", testhandlers::exit},
    {"hang", "never ends", hang}, {"ignore_term", "survives SIGTERM", ignore_term},
    {"block", "sleeps for ever", block}, {"frozen", "stops itself", frozen},
    {"die", "of the signal in the payload", die}, {"throw", "std::runtime_error", throw_error},
    {"throw_int", "throws 42", throw_int},
    {"fork_tree", "leaves descendants in sessions of their own", fork_tree},
    {"tree_hold", "the same, and waits for ever", tree_hold},
    {"fork_hold", "waits for ever, with a child", fork_hold}, {"cpu", "N ms of CPU time", cpu},
    {"eat", "has N bytes", eat}, {"allocate", "malloc and free for ever", allocate},
    {"forkbomb", "N forks", forkbomb}, {"write_file", "N bytes to path", write_file},
    {"open_files", "N descriptors", open_files}, {"chunks", "args: count, size", chunks},
    {"big", "a result of N bytes", big}, {"blank", "the same, not written", blank},
    {"shorten", "half of what it has made", shorten},
    {"inputs", "its payload and inputs, a line each", inputs},
    {"peek", "the sum of the first bytes of all pages", peek},
    {"progress", "N steps", testhandlers::progress}, {"alive", "shows life N times", alive},
    {"stderr_spam", "N MiB to standard error", stderr_spam},
    {"confess", "says what it does, and fails", confess}, {"fds", "open descriptors", fds},
    {"env", "the environment", env}, {"pid", "its process", pid},
    {"child_signals", "what forked children die of", child_signals},
    {"counter", "calls in this process", counter},
    {"until_cancelled", "runs until the cancel flag is up", until_cancelled},
    {"stops_if_cancelled", "runs until the cancel flag ends it", stops_if_cancelled},
    {"forget_bound", "a result or chunk of 2 MiB, whatever may be", forget_bound},
    {"scribble", "writes garbage over its segment", scribble},
    {"garbage_link", "writes garbage to its link", garbage_link}, {"leak", "leaks N bytes", leak},
    {"spoil", "changes its process", spoil}, {"state", "what can be spoilt", state})
