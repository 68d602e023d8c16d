// SPDX-License-Identifier: MIT
// What a worker's death tells, and what it took with it.
#include <algorithm>
#include <csignal>

#include "common/signal_name.hpp"
#include "common/utf8.hpp"
#include "daemon/process_reading.hpp"
#include "daemon/worker_process.hpp"
#include "jobmill/cause_kind.hpp"

namespace jobmill::daemon {

std::string_view WorkerProcess::broken_limit() const
{
    if (!exit_.by_signal || !fault_.empty()) {
        return {};
    }
    if (exit_.status == SIGXCPU && limits_.cpu_ms != unlimited) {
        return limit_name::cpu;
    }
    if (ran_out_of_memory() && limits_.memory != unlimited) {
        return limit_name::memory;
    }
    return exit_.status == SIGXFSZ && limits_.file_size != unlimited ? limit_name::file_size : "";
}

bool WorkerProcess::ran_out_of_memory() const
{
    return exit_.by_signal && exit_.status == SIGKILL && last_reading_.oom_kills > oom_kills_;
}

Cause WorkerProcess::traces() const
{
    Cause cause;
    add_traces(cause, running());
    return cause;
}

void WorkerProcess::add_traces(Cause& cause, Sequence sequence) const
{
    cause.stderr_tail = to_valid_utf8(stderr_tail_);
    cause.stderr_shared = !stderr_parted_ && !stderr_tail_.empty();
    const SegmentLayout& layout = segment_.layout();
    const auto text_of = [](const char* from, std::uint64_t size, std::size_t room) {
        std::string text(std::min<std::uint64_t>(size, room), ' ');
        std::copy_n(from, text.size(), text.begin());
        return to_valid_utf8(text);
    };
    cause.last_words =
        text_of(layout.last_words, layout.last_words_size.load(std::memory_order_acquire),
                sizeof layout.last_words);
    if (stack_asked_) {
        cause.stack = text_of(layout.stack, layout.stack_size.load(std::memory_order_acquire),
                              sizeof layout.stack);
    }
    if (const auto last = progress(); last && last->sequence == sequence) {
        cause.done = last->done;
        cause.total = last->total;
        cause.note = to_valid_utf8(last->note);
    }
}

Cause WorkerProcess::cause_of_death() const
{
    Cause cause = traces();
    if (!fault_.empty()) {
        cause.kind = cause_kind::lost;
        cause.text = "its worker was replaced: it " + fault_;
    } else if (exit_.by_signal) {
        cause.kind = cause_kind::signal;
        cause.signal = signal_name(exit_.status);
        cause.core_dumped = exit_.core_dumped;
    } else {
        cause.kind = cause_kind::exit;
        cause.exit_code = exit_.status;
        cause.text = "the worker left in mid-job";
    }
    cause.out_of_memory = ran_out_of_memory();
    if (died_of_limit()) {
        cause.kind = cause_kind::limit;
        cause.limit = broken_limit();
    }
    return cause;
}

Usage WorkerProcess::usage() const
{
    if (pid_ == -1 || alive()) {
        return {};
    }
    Usage usage;
    // A group has counted what nobody has waited for, too.
    const auto& in_group = last_reading_.cpu_ns;
    const std::uint64_t total = in_group ? cpu_before_group_ + *in_group : exit_.cpu_ns();
    const std::uint64_t before = segment_.layout().cpu_before.load(std::memory_order_relaxed);
    usage.cpu_ns = total - std::min(before, total);
    if (jobs_offered_ == 1 || broken_limit() == limit_name::memory) {
        usage.peak_rss = last_reading_.memory_peak;  // else it may be an earlier job's
    }
    if (!usage.peak_rss) {
        usage.peak_rss = own_peak();
        usage.approximate = usage.peak_rss.has_value();
    }
    return usage;
}

void WorkerProcess::note_peak()
{
    if (holds()) {
        peak_noted_ = std::max(peak_noted_, peak_resident_size(pid_).value_or(0));
    }
}

/// A worker forgets its peak when a job begins. The kernel's last word knows of that, but counts
/// children in, all that there ever were.
std::optional<std::uint64_t> WorkerProcess::own_peak() const
{
    const std::uint64_t before = segment_.layout().peak_before.load(std::memory_order_relaxed);
    if (before == no_peak_known) {
        return {};
    }
    const std::uint64_t last = static_cast<std::uint64_t>(exit_.usage.ru_maxrss) * 1024;
    const std::uint64_t peak = std::max(peak_noted_, last > before ? last : 0);
    return peak == 0 ? std::nullopt : std::optional{peak};
}

}  // namespace jobmill::daemon
