// SPDX-License-Identifier: MIT
#include "daemon/template_process.hpp"

#include <csignal>

#include "common/fd_io.hpp"
#include "common/utf8.hpp"
#include "daemon/log.hpp"

namespace jobmill::daemon {

Result<std::unique_ptr<TemplateProcess>> TemplateProcess::start(loop::EventLoop& loop,
                                                                FlushList& flush_list,
                                                                const Command& command,
                                                                Callbacks callbacks)
{
    JOBMILL_TRY_ASSIGN(SocketPair link, make_socket_pair());
    std::unique_ptr<TemplateProcess> process{new TemplateProcess{std::move(callbacks)}};
    JOBMILL_TRY_ASSIGN(process->channel_, Channel::create(loop, flush_list, std::move(link.ours)));
    constexpr int link_number = 3;
    const Inherited inherited{.ours = link.theirs.get(), .theirs = link_number};
    JOBMILL_TRY_ASSIGN(process->pid_, spawn(command, {&inherited, 1}));
    JOBMILL_TRY_ASSIGN(process->pidfd_, open_pidfd(process->pid_));
    JOBMILL_TRY_ASSIGN(auto watcher, loop::FdWatcher::create(
                                         loop, process->pidfd_.get(),
                                         [raw = process.get()](unsigned) { raw->on_death(); }));
    process->pidfd_watcher_ = std::make_unique<loop::FdWatcher>(std::move(watcher));
    process->pidfd_watcher_->watch(loop::FdWatcher::readable);
    // The end of the link is followed by the end of the process, which is what counts.
    process->channel_->start(
        {.on_bytes = [raw = process.get()](ByteView bytes) { raw->on_bytes(bytes); },
         .on_end = [raw = process.get()] { raw->kill(); },
         .on_broken = [raw = process.get()](const Error&) { raw->kill(); },
         .on_drained = {}});
    return process;
}

void TemplateProcess::fork(WorkerId worker, std::vector<UniqueFd> child_ends)
{
    Bytes& out = channel_->out();
    const std::size_t start = out.size();
    encode(Fork{worker}, out);
    channel_->attach(start, std::move(child_ends));
}

void TemplateProcess::probe(core::TimePoint now)
{
    if (loaded_ && !dismissed_ && !probed_ && channel_) {
        probed_ = now;
        encode(Probe{}, channel_->out());
    }
}

core::Duration TemplateProcess::silent_for(core::TimePoint now) const
{
    return probed_ ? now - *probed_ : core::Duration::zero();
}

void TemplateProcess::dismiss()
{
    dismissed_ = true;
    probed_.reset();
    if (channel_) {
        channel_->flush();
        channel_->end_output();
    }
}

void TemplateProcess::kill()
{
    if (pidfd_) {
        signal_process(pidfd_.get(), SIGKILL);
    }
}

void TemplateProcess::on_bytes(ByteView bytes)
{
    frames_.feed(bytes);
    while (!broken_) {
        const auto next = frames_.next();
        if (next && !*next) {
            return;
        }
        const auto report = next ? decode_template_report(**next)
                                 : Result<TemplateReport>{tl::unexpected<Error>(next.error())};
        if (!report) {
            log::error("template wrote nonsense", {{"pid", pid_}, {"cause", report.error().what}});
            broken_ = true;
            kill();
            return;
        }
        on_report(*report);
    }
}

void TemplateProcess::on_report(const TemplateReport& report)
{
    probed_.reset();
    if (const auto* loaded = std::get_if<Loaded>(&report)) {
        loaded_ = true;
        callbacks_.on_loaded(loaded->body);
    } else if (const auto* refused = std::get_if<Refused>(&report)) {
        const std::string module{refused->module};
        callbacks_.on_refused((module.empty() ? "" : module + ": ") + std::string{refused->text});
    } else if (const auto* forked = std::get_if<Forked>(&report)) {
        callbacks_.on_forked(*forked);
    }
}

void TemplateProcess::on_death()
{
    const auto exit = reap_group(pidfd_.get(), pid_);
    if (!exit) {
        return;
    }
    pidfd_watcher_.reset();
    pidfd_.reset();
    channel_->read_rest();
    channel_.reset();
    callbacks_.on_gone(*exit);
}

}  // namespace jobmill::daemon
