// SPDX-License-Identifier: MIT
#include "tests/chaos/remains.hpp"

#include <poll.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "tests/chaos/json_session.hpp"
#include "tests/chaos/killer.hpp"

namespace jobmill::chaos {
namespace {

namespace fs = std::filesystem;

/// The heap after a run, beyond what it was: tables that have grown to their largest, blocks in
/// between that cannot go back, what is remembered of the last jobs that were read. It does not
/// grow with the length of a run.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t most_growth = UINT64_MAX / 2;  // what is freed is kept, to be watched
#else
constexpr std::uint64_t most_growth = std::uint64_t{32} << 10U;
#endif

std::string proc(pid_t pid, const char* file)
{
    return "/proc/" + std::to_string(pid) + "/" + file;
}

void count_descriptors(pid_t daemon, Holdings& holdings)
{
    std::error_code error;
    for (fs::directory_iterator each{proc(daemon, "fd"), error}, end; !error && each != end;
         each.increment(error)) {
        ++holdings.descriptors;
        std::error_code gone;
        const std::string target = fs::read_symlink(each->path(), gone).string();
        holdings.memfds += target.find("memfd:") != std::string::npos ? 1U : 0U;
    }
}

std::uint64_t resident(pid_t daemon)
{
    std::ifstream status{proc(daemon, "status")};
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("RssAnon:")) {
            return std::stoull(line.substr(8));
        }
    }
    return 0;
}

/// Waits until it holds, for as long as a busy machine may take.
bool eventually(const std::function<bool()>& holds)
{
    const std::int64_t deadline = now_ns() + 30'000'000'000;
    while (!holds()) {
        if (now_ns() > deadline) {
            return false;
        }
        (void)::poll(nullptr, 0, 10);
    }
    return true;
}

}  // namespace

Holdings holdings_of(pid_t daemon)
{
    Holdings holdings;
    count_descriptors(daemon, holdings);
    std::ifstream maps{proc(daemon, "maps")};
    for (std::string line; std::getline(maps, line);) {
        holdings.segments += line.find("jobmill-segment") != std::string::npos ? 1U : 0U;
    }
    for (const Child& child : children_of_daemon(daemon)) {
        const bool ours = child.name == "jobmill-worker" || child.name == "jobmill-tmpl";
        if (!ours || child.state == 'Z') {
            ++holdings.strays;
        } else {
            ++holdings.children;
            holdings.strays += tests::children_of(child.pid).size();
        }
    }
    holdings.resident = resident(daemon);
    return holdings;
}

std::size_t shared_memory_names()
{
    std::size_t count = 0;
    std::error_code error;
    for (fs::directory_iterator each{"/dev/shm", error}, end; !error && each != end;
         each.increment(error)) {
        count += each->path().filename().string().find("jobmill") != std::string::npos ? 1U : 0U;
    }
    return count;
}

std::uint64_t jobs_in_status(const std::string& socket)
{
    JsonSession session{socket};
    const Value status = session.status();
    std::uint64_t count = list_at(status, "jobs").size();
    for (const Value& pool : list_at(status, "pools")) {
        count += static_cast<std::uint64_t>(pool.integer_at("queued") + pool.integer_at("busy") +
                                            pool.integer_at("waiting"));
    }
    return count;
}

namespace {

/// What was set aside keeps its payload, which may be a large one.
Holdings with_set_aside(Holdings holdings, const std::string& socket)
{
    JsonSession session{socket};
    const std::size_t kept = list_at(session.status(), "poison").size();
    holdings.memfds += kept;
    holdings.descriptors += kept;
    return holdings;
}

}  // namespace

Remains remains_of(const tests::DaemonUnderTest& daemon, const Holdings& at_first)
{
    Remains remains;
    std::vector<std::string>& faults = remains.faults;
    Holdings& now = remains.after;
    if (!eventually([&] { return jobs_in_status(daemon.socket()) == 0; })) {
        faults.push_back("status still shows " + std::to_string(jobs_in_status(daemon.socket())) +
                         " jobs, queued, running or unread");
    }
    const Holdings before = with_set_aside(at_first, daemon.socket());
    (void)eventually([&] {
        now = holdings_of(daemon.pid());
        return now.descriptors <= before.descriptors && now.memfds <= before.memfds &&
               now.segments == before.segments && now.children == before.children &&
               now.strays == 0;
    });
    const auto compare = [&](const char* what, std::size_t was, std::size_t is) {
        if (is > was) {
            faults.push_back(std::to_string(is) + ' ' + what + " instead of " +
                             std::to_string(was));
        }
    };
    compare("descriptors", before.descriptors, now.descriptors);
    compare("memfds", before.memfds, now.memfds);
    compare("mapped segments", before.segments, now.segments);
    compare("workers and templates", before.children, now.children);
    compare("zombies and strays", 0, now.strays);
    compare("names in /dev/shm", 0, shared_memory_names());
    if (now.children < before.children) {
        faults.push_back("only " + std::to_string(now.children) + " workers and templates of " +
                         std::to_string(before.children) + " are back");
    }
    if (now.resident > before.resident + most_growth) {
        faults.push_back("its memory grew from " + std::to_string(before.resident) + " KiB to " +
                         std::to_string(now.resident));
    }
    return remains;
}

}  // namespace jobmill::chaos
