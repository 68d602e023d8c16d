// SPDX-License-Identifier: MIT
#include "worker/template.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <deque>
#include <new>
#include <utility>

#include "common/codec.hpp"
#include "common/exit_code.hpp"
#include "common/fd_io.hpp"
#include "common/limits.hpp"
#include "common/msgpack.hpp"
#include "worker/handlers/command_limits.hpp"
#include "worker/job_environment.hpp"
#include "worker/leave.hpp"
#include "worker/loader.hpp"
#include "worker/placement.hpp"
#include "worker/process_setup.hpp"
#include "worker/stack_handler.hpp"
#include "worker/worker_process.hpp"

namespace jobmill {
namespace {

/// How the middle process tells the template what it forked: a page that both have.
struct ForkReport {
    std::atomic<std::int32_t> pid{0};
    std::atomic<std::int32_t> error_number{0};
};
static_assert(std::atomic<std::int32_t>::is_always_lock_free);

class Template {
public:
    Template(const Equipment& equipment, pid_t daemon, ForkReport& report)
        : equipment_(equipment), daemon_(daemon), report_(report)
    {
    }

    /// Returns when the link has ended.
    void serve();

private:
    void on_frame(const Frame& frame);
    [[nodiscard]] WorkerParts take_parts();
    [[nodiscard]] Forked fork_worker(WorkerId worker, WorkerParts parts);
    void run_middle(WorkerId worker, WorkerParts parts);

    const Equipment& equipment_;
    pid_t daemon_;
    ForkReport& report_;
    FrameSplitter splitter_{Link::template_, Direction::from_daemon};
    std::deque<UniqueFd> descriptors_;
};

template <typename Message>
[[nodiscard]] bool say(const Message& message)
{
    Bytes frame;
    encode(message, frame);
    return send_all(link_descriptor, frame).has_value();
}

void Template::serve()
{
    Bytes buffer(4096);
    while (true) {
        const auto received = receive_some(link_descriptor, buffer, descriptors_);
        if (!received) {
            leave_broken("template's link: " + received.error().what);
        }
        if (received->end) {
            return;
        }
        if (received->would_block) {
            pollfd readable{link_descriptor, POLLIN, 0};
            (void)::poll(&readable, 1, -1);
            continue;
        }
        splitter_.feed(ByteView{buffer}.first(received->size));
        auto frame = splitter_.next();
        for (; frame && *frame; frame = splitter_.next()) {
            on_frame(**frame);
        }
        if (!frame) {
            leave_broken("template's link: " + frame.error().what);
        }
    }
}

void Template::on_frame(const Frame& frame)
{
    const auto order = decode_template_order(frame);
    if (!order) {
        leave_broken("template's link: " + order.error().what);
    }
    const auto* fork = std::get_if<Fork>(&*order);
    const bool said = fork == nullptr ? say(Alive{}) : say(fork_worker(fork->worker, take_parts()));
    if (!said) {
        ::_exit(exit_code::ok);
    }
}

WorkerParts Template::take_parts()
{
    WorkerParts parts;
    for (UniqueFd* part : {&parts.link, &parts.segment, &parts.standard_error}) {
        if (descriptors_.empty()) {
            leave_broken("template's link: a fork without its descriptors");
        }
        *part = std::move(descriptors_.front());
        descriptors_.pop_front();
    }
    return parts;
}

Forked Template::fork_worker(WorkerId worker, WorkerParts parts)
{
    report_.pid = 0;
    report_.error_number = 0;
    const pid_t middle = equipment_.runtime.fork();
    if (middle < 0) {
        return {worker, 0, errno};
    }
    if (middle == 0) {
        run_middle(worker, std::move(parts));
    }
    while (::waitpid(middle, nullptr, 0) < 0 && errno == EINTR) {
    }
    const std::int32_t pid = report_.pid;
    const std::int32_t error_number = report_.error_number;
    // Neither: somebody killed the middle process.
    return {worker, pid, pid == 0 && error_number == 0 ? ECHILD : error_number};
}

void Template::run_middle(WorkerId worker, WorkerParts parts)
{
    const pid_t middle = ::getpid();
    const pid_t pid = equipment_.runtime.fork();
    if (pid == 0) {
        become_worker(worker, std::move(parts), equipment_, daemon_, middle);
    }
    if (pid < 0) {
        report_.error_number = errno;
    } else {
        report_.pid = pid;
    }
    ::_exit(exit_code::ok);
}

ForkReport* make_report()
{
    void* const page = ::mmap(nullptr, sizeof(ForkReport), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? nullptr : ::new (page) ForkReport;
}

int refuse(const LoadError& error)
{
    (void)say(Refused{error.module, error.text});
    return exit_code::bad_config;
}

/// Somebody else has started this process, on behalf of a daemon that is alive: its link is open.
bool has_other_parent(pid_t daemon)
{
    pollfd link{link_descriptor, POLLRDHUP, 0};
    return ::getppid() != daemon && ::poll(&link, 1, 0) == 0;
}

}  // namespace

int run_template(const WorkerOptions& options, const Runtime& runtime)
{
    drop_descriptors(link_descriptor + 1);
    (void)::fcntl(link_descriptor, F_SETFD, FD_CLOEXEC);
    offer_to_die_first();
    take_name("jobmill-tmpl");
    name_socket(options.socket);
    handlers::bound_descriptors(options.command_descriptors);
    leave_terminal();
    reset_signals();
    use_batch_scheduling();
    if (runtime.present() && has_other_parent(options.daemon_pid)) {
        return refuse(
            {"",
             "the interpreter is not the process that the daemon has started, but a child "
             "of it: its path should be that of the interpreter itself, or of a script "
             "that ends with exec"});
    }
    tie_to(options.daemon_pid);
    auto handlers = load_handlers(options.load, runtime,
                                  options.allow_threads ? Threads::allowed : Threads::refused,
                                  [](const LoadError& error) { (void)refuse(error); });
    if (!handlers) {
        return refuse(handlers.error());
    }
    prepare_stacks();
    const Loaded loaded{handlers->describe()};
    Bytes document;
    msgpack::Writer{document}.value(loaded.body);
    if (document.size() > limits::frame - FrameHeader::size) {
        return refuse({"", "the pool's handlers have more names and help than fit one message"});
    }
    ForkReport* const report = make_report();
    if (report == nullptr || !say(loaded)) {
        return exit_protocol;
    }
    const Equipment equipment{
        .handlers = std::move(*handlers), .runtime = runtime, .spin_us = options.spin_us};
    Template{equipment, options.daemon_pid, *report}.serve();
    return exit_code::ok;
}

}  // namespace jobmill
