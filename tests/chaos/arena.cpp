// SPDX-License-Identifier: MIT
#include "tests/chaos/arena.hpp"

#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

#include "tests/chaos/chaos_client.hpp"
#include "tests/chaos/collector.hpp"
#include "tests/chaos/history_checker.hpp"
#include "tests/chaos/killer.hpp"
#include "tests/chaos/remains.hpp"

namespace jobmill::chaos {
namespace {

constexpr unsigned seats = 16;
constexpr unsigned workers = 4;
constexpr unsigned side_workers = 2;

/// Between two blows: 40 a second, most of them at workers.
constexpr int rhythm_ms = 25;

/// A run that kills fewer workers proves nothing: a third of what a machine does that has time. A
/// short one may be all beginning.
std::uint64_t least_worker_kills(std::uint64_t seconds)
{
    constexpr std::uint64_t in_a_minute = 500;
    return seconds < 10 ? 0 : in_a_minute * std::min<std::uint64_t>(seconds, 60) / 60;
}

constexpr std::int64_t second = 1'000'000'000;
/// For clients that have heard everything to leave.
constexpr std::int64_t farewell = 60 * second;

std::string config()
{
    const std::string modules = "modules = [\"" JOBMILL_TEST_MODULES "/testhandlers.so\"]\n";
    return "unread_bytes = \"1 GiB\"\npoison_kept = 20\n[pool.default]\nworkers = " +
           std::to_string(workers) + "\n" + modules +
           "[pool.side]\nworkers = " + std::to_string(side_workers) + "\n" + modules;
}

struct Seat {
    unsigned generation = 0;
    pid_t pid = 0;
    UniqueFd process;
};

/// The history of one process, and how it ended.
struct Life {
    std::string history;
    bool killed = false;
};

class Arena {
public:
    explicit Arena(const ArenaOptions& options)
        : options_(options),
          place_(std::make_shared<tests::Place>()),
          daemon_(place_, {.config = config()}),
          killer_((daemon_.await_ready(), daemon_.pid()), options.seed)
    {
    }

    bool run();

private:
    void await_workers();
    void probe_gates();
    void start_client(unsigned number);
    void replace_dead_clients(bool replace);
    void fight();
    void await_clients();
    [[nodiscard]] Verdict judge();
    void report(const Verdict& verdict, const Holdings& before, const Holdings& after) const;

    ArenaOptions options_;
    std::shared_ptr<tests::Place> place_;
    tests::DaemonUnderTest daemon_;
    Killer killer_;
    OpenGates gates_ = 0;
    std::int64_t deadline_ = 0;
    std::vector<Seat> seats_ = std::vector<Seat>(seats);
    std::vector<Life> lives_;
    std::vector<std::string> faults_;
};

void Arena::await_workers()
{
    const std::int64_t deadline = now_ns() + 30 * second;
    while (holdings_of(daemon_.pid()).children < workers + side_workers + 2) {
        if (now_ns() > deadline) {
            throw std::runtime_error{"the workers do not come:\n" + daemon_.log()};
        }
        (void)::poll(nullptr, 0, 10);
    }
}

/// Which options this daemon takes.
void Arena::probe_gates()
{
    JsonSession session{daemon_.socket()};
    for (std::size_t i = 0; i < gates().size(); ++i) {
        const Gate& gate = gates()[i];
        session.send(gate.probe.empty()
                         ? R"({"op":"submit_many","ids":["p"],"payloads":[""],"handler":"echo"})"
                         : R"({"op":"submit","id":"p","handler":"echo",)" +
                               std::string{gate.probe} + "}");
        while (true) {
            const auto heard = session.next(std::chrono::seconds{10});
            if (!heard || heard->what == What::end) {
                throw std::runtime_error{"no answer to a probe of " + std::string{gate.name}};
            }
            if (heard->what == What::result) {
                gates_ |= OpenGates{1} << i;
                break;
            }
            if (heard->what == What::refused || heard->what == What::broken) {
                break;
            }
        }
    }
}

void Arena::start_client(unsigned number)
{
    Seat& seat = seats_[number];
    const std::vector<std::string> words{options_.program,
                                         "client",
                                         daemon_.socket(),
                                         place_->directory(),
                                         std::to_string(number),
                                         std::to_string(seat.generation),
                                         std::to_string(options_.seed),
                                         std::to_string(deadline_),
                                         std::to_string(gates_)};
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    const int error = ::posix_spawn(&seat.pid, words.front().c_str(), nullptr, nullptr,
                                    arguments.data(), environ);
    if (error != 0) {
        throw std::runtime_error{"starting a client: " + std::to_string(error)};
    }
    seat.process = UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, seat.pid, 0))};
}

void Arena::replace_dead_clients(bool replace)
{
    for (unsigned i = 0; i < seats; ++i) {
        Seat& seat = seats_[i];
        int status = 0;
        if (seat.pid == 0 || ::waitpid(seat.pid, &status, WNOHANG) != seat.pid) {
            continue;
        }
        const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        const std::string history = history_path(place_->directory(), i, seat.generation);
        lives_.push_back({.history = history, .killed = killed});
        if (!killed && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
            faults_.push_back("client " + std::to_string(i) + " ended with status " +
                              std::to_string(status));
        }
        seat.pid = 0;
        seat.process.reset();
        if (killed && replace) {
            ++seat.generation;
            start_client(i);
        }
    }
}

void Arena::fight()
{
    deadline_ = now_ns() + static_cast<std::int64_t>(options_.seconds) * second;
    for (unsigned i = 0; i < seats; ++i) {
        start_client(i);
    }
    while (now_ns() < deadline_) {
        std::vector<int> clients;
        for (const Seat& seat : seats_) {
            if (seat.process) {
                clients.push_back(seat.process.get());
            }
        }
        killer_.strike(clients);
        replace_dead_clients(true);
        pollfd life{daemon_.pidfd(), POLLIN, 0};
        if (::poll(&life, 1, rhythm_ms) > 0) {
            throw std::runtime_error{"the daemon died:\n" + daemon_.log()};
        }
    }
    killer_.relent();
}

void Arena::await_clients()
{
    const auto any = [&] {
        return std::any_of(seats_.begin(), seats_.end(),
                           [](const Seat& seat) { return seat.pid != 0; });
    };
    for (const std::int64_t end = now_ns() + farewell; any() && now_ns() < end;) {
        replace_dead_clients(false);
        (void)::poll(nullptr, 0, 10);
    }
    for (unsigned i = 0; i < seats; ++i) {
        if (seats_[i].pid != 0) {
            faults_.push_back("client " + std::to_string(i) + " does not end");
            (void)::kill(seats_[i].pid, SIGKILL);
            (void)::waitpid(seats_[i].pid, nullptr, 0);
            seats_[i].pid = 0;
        }
    }
}

Verdict Arena::judge()
{
    HistoryChecker checker;
    for (const std::int64_t at : killer_.damage().worker_kills) {
        checker.worker_killed(at);
    }
    for (const std::int64_t at : killer_.damage().template_kills) {
        checker.template_killed(at);
    }
    for (const Life& life : lives_) {
        checker.client(life.killed);
        read_history(life.history, [&](const Record& record) { checker.add(record); });
    }
    return checker.judge();
}

void Arena::report(const Verdict& verdict, const Holdings& before, const Holdings& after) const
{
    const Damage& damage = killer_.damage();
    std::string line = "chaos: seed " + std::to_string(options_.seed);
    const auto add = [&](std::string_view name, std::uint64_t number) {
        line += ", ";
        line += name;
        line += ' ' + std::to_string(number);
    };
    add("seconds", options_.seconds);
    add("worker kills", damage.worker_kills.size());
    add("template kills", damage.template_kills.size());
    add("client kills", damage.client_kills);
    add("stops", damage.stops);
    add("submitted", verdict.submitted);
    add("accepted", verdict.accepted);
    add("refused", verdict.refused);
    for (const auto& [state, count] : verdict.ended) {
        add(state, count);
    }
    add("read detached", verdict.detached);
    add("retried", verdict.retried);
    add("unheard", verdict.unread);
    line += ", descriptors " + std::to_string(before.descriptors) + " to " +
            std::to_string(after.descriptors) + ", KiB " + std::to_string(before.resident) +
            " to " + std::to_string(after.resident);
    add("lost", verdict.lost);
    add("terminal != 1:", verdict.lost + verdict.doubled);
    add("wrong", verdict.wrong);
    add("violations", verdict.violations + faults_.size());
    (void)std::puts(line.c_str());
    for (const std::string& violation : verdict.first) {
        (void)std::printf("violation: %s\n", violation.c_str());
    }
    for (const std::string& fault : faults_) {
        (void)std::printf("violation: %s\n", fault.c_str());
    }
}

bool Arena::run()
{
    await_workers();
    probe_gates();
    await_workers();
    const Holdings before = holdings_of(daemon_.pid());
    fight();
    await_clients();
    std::vector<std::string> histories;
    for (const Life& life : lives_) {
        histories.push_back(life.history);
    }
    const std::string own = place_->directory() + "/collector";
    collect({.socket = daemon_.socket(), .histories = histories, .history = own});
    lives_.push_back({.history = own, .killed = false});
    const Verdict verdict = judge();
    const Remains remains = remains_of(daemon_, before);
    for (const std::string& fault : remains.faults) {
        faults_.push_back("afterwards: " + fault);
    }
    for (const std::string& fault : daemon_.stop()) {
        faults_.push_back("at its end: " + fault);
    }
    const std::size_t kills = killer_.damage().worker_kills.size();
    const std::uint64_t least = least_worker_kills(options_.seconds);
    if (kills < least) {
        faults_.push_back("only " + std::to_string(kills) + " worker kills, at least " +
                          std::to_string(least) + " prove something");
    }
    report(verdict, before, remains.after);
    const bool good = verdict.good() && faults_.empty();
    if (!good || options_.keep) {
        place_->keep();
        (void)std::printf("histories and log: %s\n", place_->directory().c_str());
    }
    if (!good) {
        (void)std::printf("once more: ./dev chaos --seconds %s --seed %s\n",
                          std::to_string(options_.seconds).c_str(),
                          std::to_string(options_.seed).c_str());
    }
    return good;
}

}  // namespace

bool run_arena(const ArenaOptions& options)
{
    return Arena{options}.run();
}

}  // namespace jobmill::chaos
