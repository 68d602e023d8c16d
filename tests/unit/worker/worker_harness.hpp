// SPDX-License-Identifier: MIT
// Plays the daemon for a real jobmill-worker: starts a template, has it fork workers, offers jobs,
// reads what comes back. The process becomes a child subreaper, as the daemon is.
#pragma once

#include <sys/types.h>
#include <sys/wait.h>

#include <optional>
#include <string>
#include <vector>

#include "common/claims.hpp"
#include "common/codec.hpp"
#include "common/segment.hpp"
#include "tests/unit/worker/link_end.hpp"

namespace jobmill::test {

using Arguments = std::vector<std::string>;

/// The program that is started instead of jobmill-worker, with the library that it loads.
[[nodiscard]] const Arguments& tiny_runtime();

/// A job as a test states it.
struct Work {
    std::string handler;
    std::string payload = {};
    Map args = {};
    bool want_started = false;
    JobLimits limits = {};
};

/// All that came for one job.
struct Answer {
    bool started = false;
    std::vector<std::string> chunks;
    std::vector<Stream> streams;
    bool succeeded = false;
    bool in_blob = false;
    std::string result;
    Cause cause;
    std::uint64_t run_ns = 0;
    Usage usage;
};

class TestWorker {
public:
    TestWorker(WorkerId id, pid_t pid, LinkEnd<WorkerReport> link, Segment segment,
               UniqueFd stderr_file, std::vector<std::string> handlers);
    TestWorker(TestWorker&&) noexcept = default;
    ~TestWorker();

    /// Offers, sends, and hears until the result. Fails the test when the worker goes instead.
    [[nodiscard]] Answer run(const Work& work);
    /// Offers and sends; the sequence is what the claim goes by.
    Sequence offer(const Work& work);
    void send(Sequence sequence, const Work& work);
    [[nodiscard]] Answer await_answer(Sequence sequence);

    [[nodiscard]] std::optional<Heard<WorkerReport>> hear() { return link_.hear(); }
    /// Waits for its death; the raw status. Reaps.
    [[nodiscard]] int await_death();
    [[nodiscard]] std::string last_words() const;
    [[nodiscard]] std::string standard_error() const;
    /// Asks for its stack and waits for it.
    [[nodiscard]] std::string stack();
    void kill(int signal_number) const;
    /// Waits until it shows life anew; false when it does not.
    [[nodiscard]] bool shows_life();
    /// Waits until it does nothing but wait for its reader; what it has committed by then.
    [[nodiscard]] std::uint64_t await_standstill();

    [[nodiscard]] WorkerId id() const { return id_; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] SegmentLayout& layout() { return segment_.layout(); }
    [[nodiscard]] LinkEnd<WorkerReport>& link() { return link_; }

private:
    [[nodiscard]] std::uint16_t number_of(const std::string& handler) const;

    WorkerId id_;
    pid_t pid_;
    LinkEnd<WorkerReport> link_;
    Segment segment_;
    UniqueFd stderr_file_;
    std::vector<std::string> handlers_;
    std::uint64_t last_sequence_ = 0;
};

class TestTemplate {
public:
    /// Starts `jobmill-worker --template`, or another program, with these arguments more.
    explicit TestTemplate(const Arguments& arguments = {}, const Arguments& program = {});
    TestTemplate(const TestTemplate&) = delete;
    TestTemplate& operator=(const TestTemplate&) = delete;
    ~TestTemplate();

    /// What it said first, unless it left without a word.
    [[nodiscard]] bool said_anything() const { return said_anything_; }
    [[nodiscard]] const TemplateReport& first_word() const { return first_word_; }
    [[nodiscard]] const std::string& refusal() const { return refusal_; }
    [[nodiscard]] const std::vector<std::string>& handlers() const { return handlers_; }
    /// Forks a worker and hears its ready.
    [[nodiscard]] TestWorker fork();
    /// The error number of a fork that fails.
    [[nodiscard]] int fork_error();
    [[nodiscard]] int await_death();
    [[nodiscard]] LinkEnd<TemplateReport>& link() { return link_; }
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    pid_t pid_ = 0;
    LinkEnd<TemplateReport> link_;
    TemplateReport first_word_;
    bool said_anything_ = false;
    std::string refusal_;
    std::vector<std::string> handlers_;
    std::uint32_t last_generation_ = 0;
};

/// Starts `jobmill-worker --worker` directly; hears its ready. `handlers` as the pool has them.
[[nodiscard]] TestWorker spawn_worker(const Arguments& arguments, std::vector<std::string> handlers,
                                      const Arguments& program = {});

/// The exit code of `jobmill-worker` with these arguments and what it wrote to standard error.
struct Exit {
    int code = 0;
    std::string standard_error;
};
[[nodiscard]] Exit run_spawned(const Arguments& arguments);

/// Children of this process, adopted ones included.
[[nodiscard]] std::vector<pid_t> children();

}  // namespace jobmill::test
