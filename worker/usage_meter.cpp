// SPDX-License-Identifier: MIT
#include "worker/usage_meter.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include "common/segment_layout.hpp"

namespace jobmill {
namespace {

/// Below it a job gets an estimate.
constexpr std::uint64_t exact_from_ns = 1'000'000;

/// Readings before a job serve for the next ones if they are no older: in a row of tiny jobs not
/// each pays the three system calls. What those took since is reckoned in by the clock.
constexpr std::uint64_t fresh_ns = 2'000'000;

/// So many times as long as its readings were old has a job to run, or it gets an estimate, too:
/// they tell little of a short one that comes after a row of tiny ones.
constexpr std::uint64_t outweighs = 2;

constexpr std::uint64_t second_ns = 1'000'000'000;

/// The kernel counts pages for each processor apart and adds them up now and then.
constexpr std::uint64_t inexact = std::uint64_t{1} << 20U;

/// What is wanted of a status file is within its first thirty lines.
using StatusText = std::array<char, 2048>;

std::string_view read_status(int status, StatusText& text) noexcept
{
    const ssize_t size = status < 0 ? -1 : ::pread(status, text.data(), text.size(), 0);
    return {text.data(), size <= 0 ? 0 : static_cast<std::size_t>(size)};
}

std::uint64_t bytes_of_peak(const rusage& used) noexcept
{
    return static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
}

std::uint64_t nanoseconds(const timeval& time) noexcept
{
    return static_cast<std::uint64_t>(time.tv_sec) * second_ns +
           static_cast<std::uint64_t>(time.tv_usec) * 1000;
}

}  // namespace

UsageMeter::UsageMeter()
    : clear_refs_(::open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)),
      status_(::open("/proc/self/status", O_RDONLY | O_CLOEXEC))
{
    // Who was executed and not forked inherits the peak of whoever executed it, and keeps it.
    rusage own{};
    (void)::getrusage(RUSAGE_SELF, &own);
    const std::uint64_t peak = bytes_of_peak(own);
    others_peak_ = peak > read_peak_rss(status_.get()) + inexact ? peak : 0;
}

bool UsageMeter::begin(std::uint64_t now) noexcept
{
    age_ = now - read_at_;
    if (age_ < fresh_ns) {
        return false;
    }
    read_at_ = now;
    age_ = 0;
    cpu_before_ = cpu_ns();
    // 5: the peak is now what is resident. Without it the peak may be of an earlier job.
    if (clear_refs_ && ::pwrite(clear_refs_.get(), "5", 1, 0) != 1) {
        clear_refs_.reset();
    }
    return true;
}

std::uint64_t UsageMeter::peak_before() const noexcept
{
    return clear_refs_ ? others_peak_ : no_peak_known;
}

Usage UsageMeter::end(std::uint64_t run_ns, SharedMemory shared) noexcept
{
    Usage usage;
    if (run_ns < exact_from_ns || run_ns < age_ * outweighs) {
        usage.cpu_ns = run_ns;
        usage.peak_rss = last_peak_;
        usage.approximate = true;
        cpu_before_ += run_ns;
        read_at_ = run_ns < exact_from_ns ? read_at_ : 0;
        return usage;
    }
    // Short jobs before it may have waited for the processor: by the clock they took more.
    const std::uint64_t cpu = cpu_ns();
    usage.cpu_ns = cpu - std::min(cpu_before_, cpu);
    // What comes next begins with readings of its own.
    read_at_ = 0;
    StatusText text{};
    const std::string_view status = read_status(status_.get(), text);
    if (std::uint64_t peak = peak_rss_in(status); peak > 0 && clear_refs_) {
        // Blobs that are kept were resident, but for the sake of other jobs.
        const std::uint64_t resident = shared_rss_in(status);
        const std::uint64_t foreign =
            std::min(shared.others, resident - std::min(resident, shared.own));
        peak -= std::min(peak, foreign);
        last_peak_ = peak;
        usage.peak_rss = peak;
    }
    return usage;
}

std::uint64_t UsageMeter::cpu_ns() noexcept
{
    timespec own{};
    (void)::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
    rusage children{};
    (void)::getrusage(RUSAGE_CHILDREN, &children);
    others_peak_ = std::max(others_peak_, bytes_of_peak(children));
    return static_cast<std::uint64_t>(own.tv_sec) * second_ns +
           static_cast<std::uint64_t>(own.tv_nsec) + nanoseconds(children.ru_utime) +
           nanoseconds(children.ru_stime);
}

namespace {

std::uint64_t bytes_after(std::string_view key, std::string_view status) noexcept
{
    const std::size_t found = status.find(key);
    if (found == std::string_view::npos) {
        return 0;
    }
    status.remove_prefix(found + key.size());
    status.remove_prefix(std::min(status.find_first_not_of(" \t"), status.size()));
    std::uint64_t kibibytes = 0;
    (void)std::from_chars(status.data(), status.data() + status.size(), kibibytes);
    return kibibytes * 1024;
}

}  // namespace

std::uint64_t peak_rss_in(std::string_view status) noexcept
{
    return bytes_after("\nVmHWM:", status);
}

std::uint64_t shared_rss_in(std::string_view status) noexcept
{
    return bytes_after("\nRssShmem:", status);
}

std::uint64_t read_peak_rss(int status) noexcept
{
    StatusText text{};
    return peak_rss_in(read_status(status, text));
}

}  // namespace jobmill
