// SPDX-License-Identifier: MIT
// A worker as the daemon sees it, and what the test says in its stead.
#pragma once

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "common/segment.hpp"
#include "daemon/worker_process.hpp"
#include "tests/loop/loop_fixture.hpp"

namespace jobmill::tests {

inline constexpr WorkerId worker_id{SlotId{3}, 7};

inline UniqueFd program(const char* path)
{
    UniqueFd fd{::open(path, O_PATH | O_CLOEXEC)};
    REQUIRE(fd);
    return fd;
}

inline daemon::JobRecord job_with(std::string_view payload, std::uint16_t handler = 0)
{
    daemon::JobRecord record;
    record.id = JobId{55};
    record.submission.handler = handler;
    record.submission.content = daemon::JobContent{{}, {}, bytes_of(payload)};
    return record;
}

/// A worker that writes down what it is told.
struct Watched : LoopFixture {
    Watched()
    {
        REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
        auto made = daemon::WorkerProcess::create(
            loop, flush_list, worker_id,
            {.on_report =
                 [this](WorkerId who, WorkerReport& report, UniqueFd blob, bool more) {
                     CHECK(who == worker_id);
                     if (const auto* ready = std::get_if<Ready>(&report)) {
                         ready_pid = ready->pid;
                     } else if (const auto* chunk = std::get_if<JobChunk>(&report)) {
                         said.append(text_of(chunk->payload));
                     } else if (const auto* outcome = std::get_if<JobOutcome>(&report)) {
                         results.emplace_back(text_of(outcome->payload));
                         has_blob = static_cast<bool>(blob);
                         causes.push_back(outcome->cause);
                         promises += more ? '+' : '.';
                         if (!lie.empty() && results.back() == lie) {
                             worker->disbelieve("lied");
                         }
                     }
                 },
             .on_heard = [this](WorkerId) { promises += '!'; },
             .on_misbehaved = [this](WorkerId) { ++misbehaved; },
             .on_exited = [this](WorkerId) { ++exits; }});
        REQUIRE_MESSAGE(made.has_value(), made.error().what);
        worker = std::move(*made);
        ends = worker->take_child_ends();
        REQUIRE(ends.size() == 3);
    }
    ~Watched()
    {
        worker->kill();
        if (worker->alive()) {
            CHECK(run_until([&] { return exits == 1; }));
        }
    }

    /// A process that is the worker as far as the daemon knows; the test speaks in its stead.
    void pretend(const char* script = "exec tail -f /dev/null")
    {
        const UniqueFd shell = program("/bin/sh");
        const daemon::Inherited inherited[] = {{.ours = ends[2].get(), .theirs = STDERR_FILENO}};
        const auto pid = daemon::spawn({.executable = shell.get(),
                                        .arguments = {"sh", "-c", script},
                                        .environment = {"PATH=/bin:/usr/bin"}},
                                       inherited);
        REQUIRE(pid.has_value());
        REQUIRE(worker->adopt(*pid).has_value());
    }
    void offer(std::uint64_t sequence, const daemon::JobRecord& record = job_with("a"),
               const JobLimits& limits = {}) const
    {
        REQUIRE(
            worker->offer({.sequence = Sequence{sequence}}, record, limits, loop::EventLoop::now())
                .has_value());
    }
    void say(ByteView bytes) const { REQUIRE(send_all(ends[0].get(), bytes).has_value()); }

    std::unique_ptr<daemon::WorkerProcess> worker;
    std::vector<UniqueFd> ends;  ///< link, segment, standard error
    std::int32_t ready_pid = 0;
    std::string said;
    std::vector<std::string> results;
    std::vector<Cause> causes;  ///< of these
    std::string promises;       ///< after each result: '+' more, '.' none; '!' all was heard
    std::string lie;            ///< a result that is not believed
    bool has_blob = false;
    int misbehaved = 0;
    int exits = 0;
};

inline Bytes outcome(std::string_view text, std::uint64_t sequence = 1)
{
    Bytes bytes;
    encode(
        JobOutcome{.sequence = Sequence{sequence}, .size = text.size(), .payload = bytes_of(text)},
        bytes);
    return bytes;
}

}  // namespace jobmill::tests
