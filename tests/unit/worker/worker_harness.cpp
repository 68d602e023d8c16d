// SPDX-License-Identifier: MIT
#include "tests/unit/worker/worker_harness.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include <doctest/doctest.h>

#include "common/blob.hpp"
#include "common/fd_io.hpp"
#include "common/limits.hpp"
#include "common/msgpack.hpp"
#include "tests/support/eventually.hpp"

namespace jobmill::test {
namespace {

constexpr SlotId test_slot{7};

int wait_for(pid_t pid)
{
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    return status;
}

UniqueFd scratch_file()
{
    return UniqueFd{::memfd_create("test-stderr", MFD_CLOEXEC)};
}

std::string contents_of(int file)
{
    std::string text;
    std::array<char, 4096> part{};
    for (off_t at = 0;;) {
        const ssize_t size = ::pread(file, part.data(), part.size(), at);
        if (size <= 0) {
            return text;
        }
        text.append(part.data(), static_cast<std::size_t>(size));
        at += size;
    }
}

/// Descriptors 3, 4 and 2 of a program to be started; -1: as they are.
struct Places {
    int link = -1;
    int segment = -1;
    int standard_error = -1;
};

pid_t start_program(const Arguments& program, const Arguments& arguments, const Places& places)
{
    REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    Arguments words = program.empty() ? Arguments{JOBMILL_WORKER_PROGRAM} : program;
    words.insert(words.end(), {"--daemon-pid", std::to_string(::getpid())});
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    REQUIRE(::posix_spawn_file_actions_init(&actions) == 0);
    // Above the numbers that they go to, or one would overwrite another.
    std::vector<UniqueFd> away;
    const auto place = [&](int from, int to) {
        if (from >= 0) {
            away.emplace_back(::fcntl(from, F_DUPFD_CLOEXEC, 32));
            REQUIRE(::posix_spawn_file_actions_adddup2(&actions, away.back().get(), to) == 0);
        }
    };
    place(places.link, 3);
    place(places.segment, 4);
    place(places.standard_error, 2);
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, argv.front(), &actions, nullptr, argv.data(), environ);
    (void)::posix_spawn_file_actions_destroy(&actions);
    REQUIRE(error == 0);
    return pid;
}

struct SegmentParts {
    UniqueFd memory;
    Segment segment;
};

SegmentParts make_segment(WorkerId worker)
{
    auto memory = Segment::make_memory();
    REQUIRE(memory);
    auto segment = Segment::map(*memory);
    REQUIRE(segment);
    segment->layout().magic = segment_magic;
    segment->layout().slot = number(worker.slot);
    segment->layout().generation = worker.generation;
    return {std::move(*memory), std::move(*segment)};
}

SocketPair make_link()
{
    auto pair = make_socket_pair();
    REQUIRE(pair);
    return std::move(*pair);
}

pid_t hear_ready(LinkEnd<WorkerReport>& link, WorkerId worker)
{
    const auto heard = link.hear();
    REQUIRE(heard);
    const auto* ready = std::get_if<Ready>(&heard->report);
    REQUIRE(ready != nullptr);
    CHECK(ready->worker == worker);
    return ready->pid;
}

std::vector<std::string> names_in(const Value& body)
{
    std::vector<std::string> names;
    const Value* member = body.find("handlers");
    const Array list = member == nullptr || member->array() == nullptr ? Array{} : *member->array();
    for (const Value& handler : list) {
        names.emplace_back(handler.text_at("name"));
    }
    return names;
}

}  // namespace

TestWorker::TestWorker(WorkerId id, pid_t pid, LinkEnd<WorkerReport> link, Segment segment,
                       UniqueFd stderr_file, std::vector<std::string> handlers)
    : id_(id),
      pid_(pid),
      link_(std::move(link)),
      segment_(std::move(segment)),
      stderr_file_(std::move(stderr_file)),
      handlers_(std::move(handlers))
{
}

TestWorker::~TestWorker()
{
    // A moved-from one has no descriptor left.
    if (pid_ > 0 && stderr_file_) {
        (void)::kill(pid_, SIGKILL);
        (void)::waitpid(pid_, nullptr, 0);
    }
}

std::uint16_t TestWorker::number_of(const std::string& handler) const
{
    const auto found = std::find(handlers_.begin(), handlers_.end(), handler);
    REQUIRE_MESSAGE(found != handlers_.end(), "no handler ", handler);
    return static_cast<std::uint16_t>(found - handlers_.begin());
}

Sequence TestWorker::offer(const Work& work)
{
    const Sequence sequence{++last_sequence_};
    offer_claim(layout(), sequence);
    send(sequence, work);
    return sequence;
}

void TestWorker::send(Sequence sequence, const Work& work)
{
    JobOffer job;
    job.sequence = sequence;
    job.job = JobId{100 + number(sequence)};
    job.size = work.payload.size();
    job.handler = number_of(work.handler);
    job.want_started = work.want_started;
    job.limits = work.limits;
    Bytes args;
    if (!work.args.empty()) {
        msgpack::Writer{args}.value(Value{work.args});
    }
    job.args = args;
    Bytes frame;
    if (work.payload.size() <= limits::inline_payload) {
        job.payload = bytes_of(work.payload);
        encode(job, frame);
        link_.send(frame);
        return;
    }
    const auto blob = make_blob(work.payload.size());
    REQUIRE(blob);
    REQUIRE(write_blob(blob->get(), 0, bytes_of(work.payload)));
    job.has_blob = true;
    encode(job, frame);
    link_.send(frame, std::to_array({blob->get()}));
}

Answer TestWorker::run(const Work& work)
{
    return await_answer(offer(work));
}

Answer TestWorker::await_answer(Sequence sequence)
{
    Answer answer;
    while (true) {
        auto heard = hear();
        REQUIRE_MESSAGE(heard, "the worker is gone: ", standard_error());
        if (std::holds_alternative<JobStarted>(heard->report)) {
            answer.started = true;
            continue;
        }
        if (heard->blob) {
            const auto size = static_cast<std::size_t>(::lseek(heard->blob.get(), 0, SEEK_END));
            REQUIRE(check_blob(heard->blob.get(), size));
            heard->payload.resize(size);
            REQUIRE(read_blob(heard->blob.get(), 0, heard->payload));
        }
        if (const auto* chunk = std::get_if<JobChunk>(&heard->report); chunk != nullptr) {
            CHECK(chunk->sequence == sequence);
            CHECK(chunk->size == heard->payload.size());
            answer.chunks.emplace_back(text_of(heard->payload));
            answer.streams.push_back(chunk->stream);
            continue;
        }
        const auto* outcome = std::get_if<JobOutcome>(&heard->report);
        REQUIRE(outcome != nullptr);
        CHECK(outcome->sequence == sequence);
        CHECK(outcome->size == heard->payload.size());
        answer.succeeded = outcome->succeeded;
        answer.in_blob = outcome->has_blob;
        answer.result = text_of(heard->payload);
        answer.cause = outcome->cause;
        answer.run_ns = outcome->run_ns;
        answer.usage = outcome->usage;
        return answer;
    }
}

int TestWorker::await_death()
{
    return wait_for(std::exchange(pid_, 0));
}

std::string TestWorker::last_words() const
{
    const SegmentLayout& layout = segment_.layout();
    return {layout.last_words,
            std::min<std::uint64_t>(layout.last_words_size, sizeof layout.last_words)};
}

std::string TestWorker::standard_error() const
{
    return contents_of(stderr_file_.get());
}

std::string TestWorker::stack()
{
    layout().stack_size = 0;
    kill(SIGQUIT);
    (void)tests::eventually([&] { return layout().stack_size != 0; });
    return {layout().stack, std::min<std::uint64_t>(layout().stack_size, sizeof layout().stack)};
}

void TestWorker::kill(int signal_number) const
{
    REQUIRE(::kill(pid_, signal_number) == 0);
}

bool TestWorker::shows_life()
{
    const std::uint64_t before = layout().heartbeat;
    return tests::eventually([&] { return layout().heartbeat != before; });
}

std::uint64_t TestWorker::await_standstill()
{
    // Who works shows life whenever he sends; only who waits lets most of a period pass each time.
    constexpr std::uint64_t most_of_a_period = std::uint64_t{heartbeat_ms} * 800'000;
    std::uint64_t committed = 0;
    int waits = 0;
    const bool stands = tests::eventually([&] {
        const std::uint64_t beat = layout().heartbeat;
        const bool lives = shows_life();
        const bool waited = lives && layout().heartbeat - beat >= most_of_a_period;
        waits = waited && committed == layout().committed ? waits + 1 : 0;
        committed = layout().committed;
        return waits == 2;
    });
    REQUIRE(stands);
    return committed;
}

TestTemplate::TestTemplate(const Arguments& arguments, const Arguments& program)
    : link_(UniqueFd{}, Link::template_)
{
    SocketPair pair = make_link();
    link_ = LinkEnd<TemplateReport>{std::move(pair.ours), Link::template_};
    Arguments all{"--template"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    pid_ = start_program(program, all, {.link = pair.theirs.get()});
    pair.theirs.reset();
    auto heard = link_.hear();
    said_anything_ = heard.has_value();
    if (!heard) {
        return;
    }
    first_word_ = std::move(heard->report);
    if (const auto* loaded = std::get_if<Loaded>(&first_word_); loaded != nullptr) {
        handlers_ = names_in(loaded->body);
    } else if (const auto* refused = std::get_if<Refused>(&first_word_); refused != nullptr) {
        refusal_ = refused->text;
    }
}

TestTemplate::~TestTemplate()
{
    link_.close();
    if (pid_ > 0) {
        (void)::waitpid(pid_, nullptr, 0);
    }
}

TestWorker TestTemplate::fork()
{
    const WorkerId worker{test_slot, ++last_generation_};
    SocketPair pair = make_link();
    SegmentParts parts = make_segment(worker);
    UniqueFd stderr_file = scratch_file();
    Bytes frame;
    encode(Fork{worker}, frame);
    link_.send(frame, std::to_array({pair.theirs.get(), parts.memory.get(), stderr_file.get()}));
    pair.theirs.reset();
    const auto heard = link_.hear();
    REQUIRE(heard);
    const auto* forked = std::get_if<Forked>(&heard->report);
    REQUIRE(forked != nullptr);
    REQUIRE(forked->error_number == 0);
    CHECK(forked->worker == worker);
    LinkEnd<WorkerReport> link{std::move(pair.ours), Link::worker};
    CHECK(hear_ready(link, worker) == forked->pid);
    return {
        worker,   forked->pid, std::move(link), std::move(parts.segment), std::move(stderr_file),
        handlers_};
}

int TestTemplate::fork_error()
{
    const WorkerId worker{test_slot, ++last_generation_};
    const SocketPair pair = make_link();
    const SegmentParts parts = make_segment(worker);
    const UniqueFd stderr_file = scratch_file();
    Bytes frame;
    encode(Fork{worker}, frame);
    link_.send(frame, std::to_array({pair.theirs.get(), parts.memory.get(), stderr_file.get()}));
    const auto heard = link_.hear();
    REQUIRE(heard);
    const auto* forked = std::get_if<Forked>(&heard->report);
    REQUIRE(forked != nullptr);
    CHECK(forked->pid == 0);
    return forked->error_number;
}

int TestTemplate::await_death()
{
    return wait_for(std::exchange(pid_, 0));
}

TestWorker spawn_worker(const Arguments& arguments, std::vector<std::string> handlers,
                        const Arguments& program)
{
    const WorkerId worker{test_slot, 1};
    SocketPair pair = make_link();
    SegmentParts parts = make_segment(worker);
    UniqueFd stderr_file = scratch_file();
    Arguments all{"--worker", "--slot", std::to_string(number(test_slot)), "--generation", "1"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const pid_t pid =
        start_program(program, all, {pair.theirs.get(), parts.memory.get(), stderr_file.get()});
    pair.theirs.reset();
    LinkEnd<WorkerReport> link{std::move(pair.ours), Link::worker};
    CHECK(hear_ready(link, worker) == pid);
    return {worker,
            pid,
            std::move(link),
            std::move(parts.segment),
            std::move(stderr_file),
            std::move(handlers)};
}

Exit run_spawned(const Arguments& arguments)
{
    const WorkerId worker{test_slot, 1};
    const SocketPair pair = make_link();
    const SegmentParts parts = make_segment(worker);
    const UniqueFd stderr_file = scratch_file();
    Arguments all{"--worker", "--slot", std::to_string(number(test_slot)), "--generation", "1"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const pid_t pid =
        start_program({}, all, {pair.theirs.get(), parts.memory.get(), stderr_file.get()});
    const int status = wait_for(pid);
    REQUIRE(WIFEXITED(status));
    return {WEXITSTATUS(status), contents_of(stderr_file.get())};
}

const Arguments& tiny_runtime()
{
    static const Arguments words{JOBMILL_TINY_RUNTIME, JOBMILL_RUNTIME_LIBRARY};
    return words;
}

std::vector<pid_t> children()
{
    std::ifstream list{"/proc/self/task/" + std::to_string(::gettid()) + "/children"};
    std::vector<pid_t> found;
    for (pid_t pid = 0; list >> pid;) {
        found.push_back(pid);
    }
    return found;
}

}  // namespace jobmill::test
