// SPDX-License-Identifier: MIT
#include "daemon/worker_process.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "common/claims.hpp"
#include "common/fd_io.hpp"
#include "daemon/log.hpp"
#include "daemon/process_reading.hpp"

namespace jobmill::daemon {
namespace {

/// A look at standard error is nothing beside jobs that are so far apart.
constexpr std::chrono::milliseconds worth_a_look{1};

/// Those that go along with an offer: a large payload's, then the inputs'.
Result<std::vector<UniqueFd>> blobs_of(const Submission& submission)
{
    std::vector<UniqueFd> blobs;
    const auto add = [&](const UniqueFd& blob) {
        return !blob || blobs.emplace_back(::fcntl(blob.get(), F_DUPFD_CLOEXEC, 0));
    };
    bool all = add(submission.content.blob());
    if (submission.ask) {
        for (const JobContent& input : submission.ask->inputs) {
            all = all && add(input.blob());
        }
    }
    return all ? Result<std::vector<UniqueFd>>{std::move(blobs)}
               : fail_errno("passing on a blob", errno);
}

std::vector<std::uint64_t> input_sizes(const Submission& submission)
{
    std::vector<std::uint64_t> sizes;
    if (submission.ask) {
        for (const JobContent& input : submission.ask->inputs) {
            sizes.push_back(input.payload_size());
        }
    }
    return sizes;
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::create(loop::EventLoop& loop,
                                                             FlushList& flush_list, WorkerId id,
                                                             Callbacks callbacks)
{
    JOBMILL_TRY_ASSIGN(UniqueFd memory, Segment::make_memory());
    JOBMILL_TRY_ASSIGN(Segment segment, Segment::map(memory));
    segment.layout().magic = segment_magic;
    segment.layout().slot = number(id.slot);
    segment.layout().generation = id.generation;
    JOBMILL_TRY_ASSIGN(SocketPair link, make_socket_pair());
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
        return fail_errno("pipe for a worker's standard error", errno);
    }
    std::unique_ptr<WorkerProcess> worker{
        new WorkerProcess{id, std::move(segment), std::move(callbacks)}};
    worker->loop_ = &loop;
    worker->stderr_ = UniqueFd{pipe[0]};
    worker->child_ends_.push_back(std::move(link.theirs));
    worker->child_ends_.push_back(std::move(memory));
    worker->child_ends_.emplace_back(pipe[1]);
    JOBMILL_TRY_ASSIGN(worker->channel_, Channel::create(loop, flush_list, std::move(link.ours)));
    JOBMILL_TRY_ASSIGN(auto watcher, loop::FdWatcher::create(
                                         loop, worker->stderr_.get(),
                                         [raw = worker.get()](unsigned) { raw->read_stderr(); }));
    worker->stderr_watcher_ = std::make_unique<loop::FdWatcher>(std::move(watcher));
    worker->stderr_watcher_->watch(loop::FdWatcher::readable);
    const auto link_ended = [raw = worker.get()] {
        if (!raw->dismissed_) {
            raw->misbehave("its link ended");
        }
    };
    worker->channel_->start(
        {.on_bytes = [raw = worker.get()](ByteView bytes) { raw->on_link_bytes(bytes); },
         .on_end = link_ended,
         .on_broken = [link_ended](const Error&) { link_ended(); },
         .on_drained = {}});
    return worker;
}

Result<void> WorkerProcess::adopt(pid_t pid)
{
    if (!is_own_child(pid)) {
        return fail(Errc::not_found, "process " + std::to_string(pid) + " is no child of ours");
    }
    JOBMILL_TRY_ASSIGN(pidfd_, open_pidfd(pid));
    pid_ = pid;
    JOBMILL_TRY_ASSIGN(auto watcher, loop::FdWatcher::create(*loop_, pidfd_.get(),
                                                             [this](unsigned) { on_death(); }));
    pidfd_watcher_ = std::make_unique<loop::FdWatcher>(std::move(watcher));
    pidfd_watcher_->watch(loop::FdWatcher::readable);
    return {};
}

void WorkerProcess::join(WorkerCgroup group)
{
    group_ = std::move(group);
    cpu_before_group_ = cpu_time(pid_).value_or(0);
}

Result<void> WorkerProcess::offer(const core::OfferJob& offer, const JobRecord& record,
                                  const JobLimits& limits, core::TimePoint now)
{
    const Sequence sequence = offer.sequence;
    if (!channel_) {
        // It died with its end not told yet; the claim, still free, will be taken back.
        offer_claim(segment_.layout(), sequence);
        return {};
    }
    const JobContent& content = record.submission.content;
    std::vector<UniqueFd> fds;
    if (content.blob() || record.submission.ask) {
        auto taken = blobs_of(record.submission);
        if (!taken) {
            // The worker never hears of it; the claim, still free, will be taken back.
            offer_claim(segment_.layout(), sequence);
            return tl::unexpected<Error>(taken.error());
        }
        fds = std::move(*taken);
    }
    if (group_) {
        if (const auto bounded = group_->limit(limits); !bounded) {
            log::warning("control group not bounded", {{"worker", number(id_.slot)},
                                                       {"job", number(record.id)},
                                                       {"cause", bounded.error().what}});
        }
    }
    part_stderr(now);
    ++jobs_offered_;
    stack_asked_ = false;
    peak_noted_ = 0;
    limits_ = limits;
    last_offer_ = now;
    last_sequence_ = sequence;
    offers_.add(sequence, record.id);
    offer_claim(segment_.layout(), sequence);
    Bytes& out = channel_->out();
    for (const JobId job : returned_) {
        encode(Returned{job}, out);
    }
    returned_.clear();
    const std::size_t start = out.size();
    encode(JobOffer{.sequence = sequence,
                    .job = record.id,
                    .size = content.payload_size(),
                    .handler = record.submission.handler,
                    .attempt = static_cast<std::uint16_t>(offer.attempt),
                    .want_started = record.submission.want_started,
                    .has_blob = static_cast<bool>(content.blob()),
                    .limits = limits,
                    .user = record.uid,
                    .inputs = input_sizes(record.submission),
                    .args = content.args(),
                    .payload = content.small_payload()},
           out);
    if (!fds.empty()) {
        channel_->attach(start, std::move(fds));
    }
    return {};
}

void WorkerProcess::returned(JobId job)
{
    // It keeps no more itself.
    constexpr std::size_t most = 32;
    if (returned_.size() == most) {
        returned_.erase(returned_.begin());
    }
    returned_.push_back(job);
}

bool WorkerProcess::revoke(Sequence sequence)
{
    const bool won = revoke_claim(segment_.layout(), sequence);
    if (won) {
        offers_.remove(sequence);
    }
    return won;
}

void WorkerProcess::raise_cancel_flag(Sequence sequence)
{
    segment_.layout().cancel.store(number(sequence), std::memory_order_release);
}

bool WorkerProcess::looks(Sequence sequence) const
{
    return segment_.layout().looked.load(std::memory_order_acquire) == number(sequence);
}

void WorkerProcess::take_stack()
{
    if (pidfd_) {
        stack_asked_ = true;
        segment_.layout().stack_size.store(0, std::memory_order_release);
        signal_process(pidfd_.get(), SIGQUIT);
    }
}

void WorkerProcess::dismiss()
{
    dismissed_ = true;
    asked_to_leave_ = true;
    if (channel_) {
        // What it still says is wanted: only our sending ends.
        channel_->flush();
        channel_->end_output();
    }
}

void WorkerProcess::terminate()
{
    asked_to_leave_ = true;
    if (pidfd_) {
        note_peak();
        signal_process(pidfd_.get(), SIGTERM);
        signal_process(pidfd_.get(), SIGCONT);  // one that is stopped would not hear of it
    }
}

void WorkerProcess::kill()
{
    // One that is killed for its fault, or was found dying, has itself to thank.
    asked_to_leave_ = asked_to_leave_ || (!misbehaved_ && fault_.empty());
    if (pidfd_) {
        note_peak();
        // The group first: once the leader is reaped its number may belong to others.
        (void)::kill(-pid_, SIGKILL);
        signal_process(pidfd_.get(), SIGKILL);
        if (group_) {
            (void)group_->kill();  // also what has left the process group
        }
    } else {
        dismiss();
    }
}

/// It serves in order, so the last that it has claimed is the one that it runs, or has run: the
/// words for those before are on their way.
std::optional<HeldOffers::Offer> WorkerProcess::last_claimed() const
{
    return offers_.last([&](const HeldOffers::Offer& offer) {
        return is_claimed(segment_.layout(), offer.sequence);
    });
}

std::optional<JobId> WorkerProcess::claimed_job() const
{
    const auto claimed = last_claimed();
    return claimed ? std::optional{claimed->job} : std::nullopt;
}

Sequence WorkerProcess::running() const
{
    const auto claimed = last_claimed();
    return claimed ? claimed->sequence : last_sequence_;
}

void WorkerProcess::pause_reading(bool paused)
{
    if (!channel_) {
        return;
    }
    paused_ = paused;
    if (paused) {
        channel_->pause_reading();
    } else {
        channel_->resume_reading();
    }
}

void WorkerProcess::accuse(const std::string& fault)
{
    if (fault_.empty()) {
        fault_ = fault;
    }
}

void WorkerProcess::disbelieve(const std::string& fault)
{
    refused_ = true;
    accuse(fault);
}

void WorkerProcess::misbehave(const std::string& fault)
{
    misbehaved_ = true;
    if (pidfd_ && fault_.empty() && fault != "its link ended") {
        log::warning("worker misbehaved", {{"worker", number(id_.slot)},
                                           {"generation", id_.generation},
                                           {"pid", pid_},
                                           {"cause", fault}});
        accuse(fault);
    }
    callbacks_.on_misbehaved(id_);
}

/// What was written so far is not of the next job. Tiny jobs in a row whose worker writes nothing
/// do not each pay for a look; if it does write something after all, nobody knows for which.
void WorkerProcess::part_stderr(core::TimePoint now)
{
    if (holds()) {
        // What it runs may write on, and nobody will know when this one has begun.
        stderr_parted_ = false;
        return;
    }
    stderr_parted_ = stderr_wrote_ || jobs_offered_ == 0 || now - last_offer_ >= worth_a_look;
    stderr_wrote_ = false;
    if (stderr_parted_) {
        read_stderr();
    }
    stderr_tail_.clear();
}

void WorkerProcess::read_stderr()
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): the kernel writes what is read
    std::array<char, std::size_t{16} * 1024> buffer;
    // What a dead worker has left behind may write for ever: a bounded look is enough for a tail.
    constexpr int looks = 16;
    for (int look = 0; look < looks; ++look) {
        const ssize_t size = ::read(stderr_.get(), buffer.data(), buffer.size());
        if (size > 0) {
            stderr_wrote_ = true;
            stderr_tail_.append(buffer.data(), static_cast<std::size_t>(size));
            if (stderr_tail_.size() > limits::stderr_tail) {
                stderr_tail_.erase(0, stderr_tail_.size() - limits::stderr_tail);
            }
            continue;
        }
        if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
            stderr_watcher_->watch(0);
        }
        return;
    }
}

void WorkerProcess::on_death()
{
    const auto exit = reap_group(pidfd_.get(), pid_);
    if (!exit) {
        return;
    }
    exit_ = *exit;
    if (group_) {
        last_reading_ = group_->read();
    }
    pidfd_watcher_.reset();
    pidfd_.reset();
    // Nobody writes any more: the link first, then what was committed and did not arrive.
    dismissed_ = true;
    channel_->read_rest();
    take_committed();
    read_stderr();
    channel_.reset();
    stderr_watcher_.reset();
    stderr_.reset();
    callbacks_.on_exited(id_);
}

std::optional<ProgressReading> WorkerProcess::progress() const
{
    return read_progress(segment_.layout().progress);
}

std::uint64_t WorkerProcess::heartbeat() const
{
    return segment_.layout().heartbeat.load(std::memory_order_relaxed);
}

bool WorkerProcess::was_on(int cpu) const
{
    return segment_.layout().cpu.load(std::memory_order_relaxed) ==
           static_cast<std::uint64_t>(cpu) + 1;
}

}  // namespace jobmill::daemon
