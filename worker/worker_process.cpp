// SPDX-License-Identifier: MIT
#include "worker/worker_process.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>

#include "common/exit_code.hpp"
#include "common/segment.hpp"
#include "worker/birth_state.hpp"
#include "worker/crash_handler.hpp"
#include "worker/handlers/command_limits.hpp"
#include "worker/job_environment.hpp"
#include "worker/job_loop.hpp"
#include "worker/leave.hpp"
#include "worker/loader.hpp"
#include "worker/placement.hpp"
#include "worker/process_setup.hpp"
#include "worker/stack_handler.hpp"
#include "worker/term_handler.hpp"

namespace jobmill {
namespace {

/// Puts the parts where they belong; everything else is closed.
void place_descriptors(WorkerParts parts)
{
    // First out of each other's way.
    constexpr int away = 16;
    const int link = ::fcntl(parts.link.get(), F_DUPFD_CLOEXEC, away);
    const int segment = ::fcntl(parts.segment.get(), F_DUPFD_CLOEXEC, away);
    const int standard_error = ::fcntl(parts.standard_error.get(), F_DUPFD_CLOEXEC, away);
    (void)parts.link.release();
    (void)parts.segment.release();
    (void)parts.standard_error.release();
    const bool placed = ::dup2(standard_error, STDOUT_FILENO) >= 0 &&
                        ::dup2(standard_error, STDERR_FILENO) >= 0 &&
                        ::dup3(link, link_descriptor, O_CLOEXEC) >= 0 &&
                        ::dup3(segment, segment_descriptor, O_CLOEXEC) >= 0;
    if (!placed) {
        leave_broken("cannot put its descriptors in place");
    }
    drop_descriptors(segment_descriptor + 1);
}

/// Until the middle process has left and its parent is ours: microseconds.
void await_adoption(pid_t middle)
{
    while (::getppid() == middle) {
        (void)::sched_yield();
    }
}

Segment map_segment(WorkerId worker)
{
    UniqueFd memory{segment_descriptor};
    auto segment = Segment::map(memory);
    if (!segment) {
        leave_broken(segment.error().what);
    }
    const SegmentLayout& layout = segment->layout();
    if (layout.magic != segment_magic || layout.slot != number(worker.slot) ||
        layout.generation != worker.generation) {
        leave_broken("its segment is another worker's");
    }
    if (auto kept = segment->keep_from_children(); !kept) {
        leave_broken(kept.error().what);
    }
    return std::move(*segment);
}

[[noreturn]] void serve(WorkerId worker, Segment& segment, const Equipment& equipment)
{
    install_crash_handler(segment.layout());
    install_stack_handler(segment.layout());
    if (equipment.runtime.interrupt() != nullptr) {
        install_term_handler(equipment.runtime.interrupt());
    }
    equipment.runtime.begin_worker();
    remember_birth();
    JobLoop{link_descriptor, segment.layout(), equipment}.run(worker);
    leave();
}

void tell(const LoadError& error)
{
    (void)std::fprintf(stderr, "jobmill-worker: %s\n", error.text.c_str());
}

}  // namespace

void become_worker(WorkerId worker, WorkerParts parts, const Equipment& equipment, pid_t daemon,
                   pid_t middle)
{
    place_descriptors(std::move(parts));
    take_name("jobmill-worker");
    leave_terminal();
    reset_signals();
    (void)::prctl(PR_SET_CHILD_SUBREAPER, 1);
    await_adoption(middle);
    tie_to(daemon);
    Segment segment = map_segment(worker);
    serve(worker, segment, equipment);
}

void run_spawned_worker(const WorkerOptions& options, const Runtime& runtime)
{
    (void)::dup2(STDERR_FILENO, STDOUT_FILENO);
    drop_descriptors(segment_descriptor + 1);
    for (const int own : {link_descriptor, segment_descriptor}) {
        (void)::fcntl(own, F_SETFD, FD_CLOEXEC);
    }
    offer_to_die_first();
    take_name("jobmill-worker");
    name_socket(options.socket);
    handlers::bound_descriptors(options.command_descriptors);
    leave_terminal();
    reset_signals();
    use_batch_scheduling();
    (void)::prctl(PR_SET_CHILD_SUBREAPER, 1);
    tie_to(options.daemon_pid);
    Segment segment = map_segment(options.worker);
    auto handlers = load_handlers(options.load, runtime, Threads::allowed, tell);
    if (!handlers) {
        tell(handlers.error());
        ::_exit(exit_code::bad_config);
    }
    serve(options.worker, segment,
          {.handlers = std::move(*handlers), .runtime = runtime, .spin_us = options.spin_us});
}

}  // namespace jobmill
