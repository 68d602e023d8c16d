// SPDX-License-Identifier: MIT
// beanstalkd on a Unix socket, without its log on disk: a tube for jobs and one for results. Its
// workers answer, delete and reserve in one write; the client sends what it has in one, too.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include "common/unique_fd.hpp"
#include "tests/bench/peers/child_processes.hpp"
#include "tests/bench/workloads/service.hpp"

namespace jobmill::bench {
namespace {

/// It counts the line's end as a part of nothing, but refuses a job larger than it was started for.
constexpr const char* largest_job = "134217728";

/// A connection, with what came and was not read yet.
class Connection {
public:
    explicit Connection(const std::string& path)
        : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        const auto* const to = reinterpret_cast<const sockaddr*>(&address);
        for (int tries = 0; ::connect(fd_.get(), to, sizeof address) != 0; ++tries) {
            if (tries == 1000) {
                throw std::runtime_error{"beanstalkd does not come up"};
            }
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
    }

    void send(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const ssize_t size = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (size <= 0) {
                throw std::runtime_error{"beanstalkd has left"};
            }
            bytes.remove_prefix(static_cast<std::size_t>(size));
        }
    }

    /// A line without its end; until the next read.
    std::string_view line()
    {
        std::size_t size = 0;
        while ((size = pending().find("\r\n")) == std::string_view::npos) {
            read_more();
        }
        return taken(size);
    }

    struct Reserved {
        std::uint64_t job = 0;
        std::string_view body;  ///< until the next read
    };

    /// The answer to "reserve".
    Reserved reserved()
    {
        Reserved answer;
        std::size_t size = 0;
        const std::string text{line()};
        const std::size_t space = text.rfind(' ');
        if (!text.starts_with("RESERVED ") || space == std::string::npos) {
            throw std::runtime_error{"beanstalkd says " + text};
        }
        std::from_chars(text.data() + 9, text.data() + space, answer.job);
        std::from_chars(text.data() + space + 1, text.data() + text.size(), size);
        while (pending().size() < size + 2) {
            read_more();
        }
        answer.body = taken(size);
        return answer;
    }

private:
    [[nodiscard]] std::string_view pending() const
    {
        return {buffer_.data() + first_, last_ - first_};
    }

    std::string_view taken(std::size_t size)
    {
        const std::string_view part = pending().substr(0, size);
        first_ += size + 2;
        return part;
    }

    void read_more()
    {
        constexpr std::size_t most = std::size_t{256} << 10U;
        if (first_ > 0) {
            std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(first_),
                      buffer_.begin() + static_cast<std::ptrdiff_t>(last_), buffer_.begin());
            last_ -= first_;
            first_ = 0;
        }
        if (last_ + most > buffer_.size()) {
            buffer_.resize((last_ + most) * 2);
        }
        const ssize_t size = ::read(fd_.get(), buffer_.data() + last_, most);
        if (size <= 0) {
            throw std::runtime_error{"beanstalkd has left"};
        }
        last_ += static_cast<std::size_t>(size);
    }

    UniqueFd fd_;
    std::vector<char> buffer_;
    std::size_t first_ = 0;
    std::size_t last_ = 0;
};

void add_put(std::string& to, std::string_view body)
{
    to.append("put 0 0 600 ").append(std::to_string(body.size())).append("\r\n");
    to.append(body).append("\r\n");
}

void be_worker(const std::string& path)
{
    Connection connection{path};
    connection.send("watch jobs\r\nignore default\r\nuse results\r\nreserve\r\n");
    for (int i = 0; i < 3; ++i) {
        (void)connection.line();
    }
    std::string answer;
    while (true) {
        const Connection::Reserved job = connection.reserved();
        answer.clear();
        add_put(answer, perform(job.body));
        answer.append("delete ").append(std::to_string(job.job)).append("\r\nreserve\r\n");
        connection.send(answer);
        (void)connection.line();
        (void)connection.line();
    }
}

class Beanstalkd : public Service {
public:
    [[nodiscard]] std::string_view name() const override { return "beanstalkd"; }

    void start(int workers) override
    {
        const std::string path = directory_.path() + "/socket";
        processes_.start_program({"beanstalkd", "-l", "unix:" + path, "-z", largest_job});
        submits_.emplace(path);
        submits_->send("use jobs\r\n");
        (void)submits_->line();
        results_.emplace(path);
        results_->send("watch results\r\nignore default\r\n");
        (void)results_->line();
        (void)results_->line();
        for (int i = 0; i < workers; ++i) {
            processes_.start_function([&path] { be_worker(path); });
        }
    }

    std::string_view call(const Task& task) override
    {
        stream(
            1, 1, [&](std::size_t) { return task; },
            [this](std::string_view body) { result_ = body; });
        return result_;
    }

    void stream(std::size_t jobs, std::size_t window, const Make& make, const Take& take) override
    {
        constexpr std::size_t most_puts = 1000;
        constexpr std::size_t most_reserves = 100;
        std::size_t submitted = 0;
        for (std::size_t done = 0; done < jobs;) {
            while (submitted < std::min(jobs, done + window)) {
                const std::size_t last = std::min({jobs, done + window, submitted + most_puts});
                request_.clear();
                for (std::size_t i = submitted; i < last; ++i) {
                    text_.clear();
                    spell(make(i), text_);
                    add_put(request_, text_);
                }
                submits_->send(request_);
                for (; submitted < last; ++submitted) {
                    (void)submits_->line();
                }
            }
            // Several at once only while there are many, or a short job's result would wait.
            const std::size_t batch =
                window < most_reserves ? 1 : std::min(most_reserves, jobs - done);
            done += take_results(batch, take);
        }
    }

    [[nodiscard]] pid_t broker() const override { return processes_.first(); }

private:
    std::size_t take_results(std::size_t count, const Take& take)
    {
        request_.clear();
        for (std::size_t i = 0; i < count; ++i) {
            request_ += "reserve\r\n";
        }
        results_->send(request_);
        request_.clear();
        for (std::size_t i = 0; i < count; ++i) {
            const Connection::Reserved result = results_->reserved();
            take(result.body);
            request_.append("delete ").append(std::to_string(result.job)).append("\r\n");
        }
        results_->send(request_);
        for (std::size_t i = 0; i < count; ++i) {
            (void)results_->line();
        }
        return count;
    }

    TemporaryDirectory directory_;
    ChildProcesses processes_;
    std::optional<Connection> submits_;
    std::optional<Connection> results_;
    std::string request_;
    std::string text_;
    std::string result_;
};

}  // namespace

std::unique_ptr<Service> make_service()
{
    return std::make_unique<Beanstalkd>();
}

}  // namespace jobmill::bench
