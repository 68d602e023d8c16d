// SPDX-License-Identifier: MIT
// The floor of a job's way: client, master, worker and back over Unix sockets, frames gathered and
// written once a turn, and nothing in between: no queue to speak of, no limits, no recovery.
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <vector>

#include "common/unique_fd.hpp"
#include "tests/bench/floor/frames.hpp"
#include "tests/bench/floor/relay_master.hpp"
#include "tests/bench/measuring.hpp"
#include "tests/bench/workloads/service.hpp"

namespace jobmill::bench {
namespace {

constexpr std::size_t most_clients = 16;

void write_all(int fd, Frames& frames)
{
    while (!frames.bytes().empty()) {
        const ssize_t size = ::write(fd, frames.bytes().data(), frames.bytes().size());
        if (size <= 0) {
            ::_exit(1);
        }
        frames.drop(static_cast<std::size_t>(size));
    }
}

bool read_more(int fd, Frames& frames)
{
    const ssize_t size = ::read(fd, frames.room(Frames::usual_read), Frames::usual_read);
    frames.added(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return size > 0;
}

[[noreturn]] void be_worker(int fd)
{
    constexpr double hold_back_ms = 0.05;
    Frames in;
    Frames out;
    while (read_more(fd, in)) {
        auto since = Clock::now();
        while (const auto frame = in.next()) {
            out.add(frame->header, perform(frame->body));
            if (milliseconds_since(since) > hold_back_ms) {
                write_all(fd, out);
                since = Clock::now();
            }
        }
        write_all(fd, out);
    }
    ::_exit(0);
}

struct Pair {
    UniqueFd near;
    UniqueFd far;
};

Pair make_pair()
{
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) {
        throw std::runtime_error{"no socket pair"};
    }
    return {UniqueFd{fds[0]}, UniqueFd{fds[1]}};
}

/// One side of a client's connection, with what it has and has not done.
struct Connection {
    UniqueFd fd;
    Frames in;
    Frames out;
    std::string text;
    std::size_t submitted = 0;
    std::size_t done = 0;

    void submit(const Task& task)
    {
        text.clear();
        spell(task, text);
        out.add({}, text);
        ++submitted;
    }
    void send() { write_all(fd.get(), out); }
    /// Waits for one, and takes all that have come.
    void take(const Service::Take& take_result)
    {
        if (!read_more(fd.get(), in)) {
            throw std::runtime_error{"the relay has left"};
        }
        while (const auto frame = in.next()) {
            take_result(frame->body);
            ++done;
        }
    }
};

class Relay : public Service {
public:
    ~Relay() override
    {
        // Its end of file ends the master, and that the workers.
        connections_.clear();
        for (const pid_t process : processes_) {
            (void)::waitpid(process, nullptr, 0);
        }
    }

    [[nodiscard]] std::string_view name() const override { return "relay"; }

    void start(int workers) override
    {
        std::vector<Pair> clients;
        std::vector<Pair> links;
        clients.reserve(most_clients + 1);
        for (std::size_t i = 0; i <= most_clients; ++i) {
            clients.push_back(make_pair());
        }
        links.reserve(static_cast<std::size_t>(workers));
        for (int i = 0; i < workers; ++i) {
            links.push_back(make_pair());
        }
        for (std::size_t i = 0; i < links.size(); ++i) {
            fork_process([&] {
                const UniqueFd mine = std::move(links[i].far);
                clients.clear();
                links.clear();
                be_worker(mine.get());
            });
        }
        fork_process([&] {
            std::vector<int> client_fds;
            std::vector<int> worker_fds;
            client_fds.reserve(clients.size());
            worker_fds.reserve(links.size());
            for (Pair& pair : clients) {
                client_fds.push_back(pair.far.release());
            }
            for (Pair& pair : links) {
                worker_fds.push_back(pair.near.release());
            }
            clients.clear();
            links.clear();
            run_relay_master(client_fds, worker_fds);
            ::_exit(0);
        });
        for (Pair& pair : clients) {
            connections_.emplace_back().fd = std::move(pair.near);
        }
    }

    std::string_view call(const Task& task) override
    {
        Connection& mine = connections_.front();
        mine.submit(task);
        mine.send();
        const std::size_t wanted = mine.done + 1;
        std::string_view result;
        while (mine.done < wanted) {
            mine.take([&](std::string_view body) { result = body; });
        }
        return result;
    }

    void stream(std::size_t jobs, std::size_t window, const Make& make,
                const Take& take_result) override
    {
        Connection& mine = connections_.front();
        mine.submitted = mine.done = 0;
        while (mine.done < jobs) {
            while (mine.submitted < std::min(jobs, mine.done + window)) {
                mine.submit(make(mine.submitted));
            }
            mine.send();
            mine.take(take_result);
        }
    }

    void stream_from(std::size_t clients, std::size_t jobs, std::size_t window) override
    {
        const std::size_t each = std::max(jobs / clients, window);
        const auto submit_to = [&](Connection& connection, std::size_t count) {
            while (connection.submitted < count) {
                connection.submit({});
            }
            connection.send();
        };
        for (std::size_t i = 1; i <= clients; ++i) {
            connections_[i].submitted = connections_[i].done = 0;
            submit_to(connections_[i], window);
        }
        for (bool any = true; any;) {
            any = false;
            for (std::size_t i = 1; i <= clients; ++i) {
                Connection& one = connections_[i];
                if (one.done < each) {
                    one.take([](std::string_view) {});
                    submit_to(one, std::min(each, one.done + window));
                    any = true;
                }
            }
        }
    }

    [[nodiscard]] pid_t broker() const override { return processes_.back(); }

private:
    void fork_process(const std::function<void()>& be)
    {
        const pid_t pid = ::fork();
        if (pid == 0) {
            // Nothing of this process may outlive it, however it ends.
            (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
            be();
        }
        if (pid < 0) {
            throw std::runtime_error{"no process"};
        }
        processes_.push_back(pid);
    }

    std::vector<Connection> connections_;
    std::vector<pid_t> processes_;
};

}  // namespace

std::unique_ptr<Service> make_service()
{
    return std::make_unique<Relay>();
}

}  // namespace jobmill::bench
