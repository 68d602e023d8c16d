// SPDX-License-Identifier: MIT
#include "tests/e2e/e2e_daemon.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace jobmill::tests {
namespace {

/// Whether the running case has failed, which its own code cannot ask.
class FailureWatch : public doctest::IReporter {
public:
    explicit FailureWatch(const doctest::ContextOptions& /*options*/) {}
    static bool failed() { return failed_; }

    void report_query(const doctest::QueryData& /*data*/) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats& /*stats*/) override {}
    void test_case_start(const doctest::TestCaseData& /*data*/) override { failed_ = false; }
    void test_case_reenter(const doctest::TestCaseData& /*data*/) override {}
    void test_case_end(const doctest::CurrentTestCaseStats& /*stats*/) override {}
    void test_case_exception(const doctest::TestCaseException& /*e*/) override { failed_ = true; }
    void subcase_start(const doctest::SubcaseSignature& /*subcase*/) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData& data) override
    {
        failed_ = failed_ || data.m_failed;
    }
    void log_message(const doctest::MessageData& /*data*/) override {}
    void test_case_skipped(const doctest::TestCaseData& /*data*/) override {}

private:
    static inline bool failed_ = false;
};
REGISTER_LISTENER("failure_watch", 1, FailureWatch);

std::shared_ptr<Place> fresh_place()
{
    return std::make_shared<Place>();
}

}  // namespace

std::string test_module(const std::string& name)
{
    return JOBMILL_TEST_MODULES "/" + name + ".so";
}

std::string pool_config(unsigned workers, const std::string& before)
{
    return before + "\n[pool.default]\nworkers = " + std::to_string(workers) + "\nmodules = [\"" +
           test_module() + "\"]\n";
}

Daemon::Daemon(const std::string& config, std::vector<std::string> arguments)
    : Daemon(fresh_place(), {.config = config, .arguments = std::move(arguments)})
{
}

Daemon::Daemon(std::shared_ptr<Place> place, const DaemonSetup& setup)
    : DaemonUnderTest(std::move(place), setup)
{
    await_ready();
}

Daemon::~Daemon()
{
    try {
        if (running()) {
            check_stop();
        }
    } catch (const std::exception& error) {
        FAIL_CHECK(error.what());
    }
    if (FailureWatch::failed() || std::uncaught_exceptions() > 0) {
        place().keep();
        const std::string said = log();
        const std::size_t shown = std::min<std::size_t>(said.size(), 8192);
        (void)std::fprintf(stderr, "---- %s/log, its end:\n%s----\n", place().directory().c_str(),
                           said.substr(said.size() - shown).c_str());
    }
}

void Daemon::check_stop()
{
    for (const std::string& fault : stop()) {
        FAIL_CHECK(fault);
    }
}

void Daemon::check_healthy() const
{
    JsonClient client = json();
    client.submit("healthy", "sum", "10");
    CHECK(client.result("healthy").text_at("payload") == "55");
}

Value Daemon::pool(std::size_t index) const
{
    JsonClient client = json();
    client.send(R"({"op":"status"})");
    const Value status = client.next("status");
    const Value* pools = status.find("pools");
    REQUIRE(pools != nullptr);
    return pools->array()->at(index);
}

void Daemon::await_workers(std::int64_t count) const
{
    await("the workers are ready", [&] { return pool().integer_at("workers") == count; });
}

std::size_t Daemon::jobs() const
{
    JsonClient client = json();
    client.send(R"({"op":"status"})");
    const Value status = client.next("status");
    return status.find("jobs")->array()->size();
}

pid_t Daemon::template_pid() const
{
    for (const pid_t child : children()) {
        // Workers have the template's command line; a template has no segment.
        std::ifstream maps{"/proc/" + std::to_string(child) + "/maps"};
        std::string line;
        bool any = false;
        bool segment = false;
        while (std::getline(maps, line)) {
            any = true;
            segment = segment || line.find("jobmill-segment") != std::string::npos;
        }
        if (any && !segment) {
            return child;
        }
    }
    return 0;
}

bool Daemon::kill_child(pid_t pid) const
{
    // Held by its descriptor first, then looked at: the number may be another's meanwhile.
    const UniqueFd process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
    std::string stat;
    std::getline(file, stat);
    stat.erase(0, stat.rfind(')') + 1);
    std::istringstream fields{stat};
    char state = 0;
    pid_t parent = 0;
    fields >> state >> parent;
    return process && parent == this->pid() && state != 'Z' &&
           ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) == 0;
}

std::size_t Daemon::open_descriptors() const
{
    const std::filesystem::directory_iterator all{"/proc/" + std::to_string(pid()) + "/fd"};
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::uint64_t Daemon::kibibytes(const std::string& what) const
{
    std::ifstream status{"/proc/" + std::to_string(pid()) + "/status"};
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(what + ":")) {
            return std::stoull(line.substr(what.size() + 1));
        }
    }
    throw std::runtime_error{"no " + what};
}

void Daemon::await(const char* what, const std::function<bool()>& holds) const
{
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        pollfd life{pidfd(), POLLIN, 0};
        if (::poll(&life, 1, 1) > 0) {
            throw std::runtime_error{std::string{"the daemon died before "} + what};
        }
        if (std::chrono::steady_clock::now() > deadline) {
            throw std::runtime_error{std::string{"it never came to this: "} + what};
        }
    }
}

Departure run_daemon(const DaemonSetup& setup)
{
    return run_daemon(fresh_place(), setup);
}

Departure run_daemon(std::shared_ptr<Place> place, const DaemonSetup& setup)
{
    DaemonUnderTest daemon{std::move(place), setup};
    return daemon.await_departure();
}

bool process_exists(pid_t pid)
{
    return ::kill(pid, 0) == 0;
}

std::uint64_t run_time_of(pid_t pid)
{
    std::ifstream statistics{"/proc/" + std::to_string(pid) + "/schedstat"};
    std::uint64_t nanoseconds = 0;
    statistics >> nanoseconds;
    return nanoseconds;
}

}  // namespace jobmill::tests
