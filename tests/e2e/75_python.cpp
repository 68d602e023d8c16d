// SPDX-License-Identifier: MIT
// Pools whose workers are a Python interpreter: what the C++ side promises of them. Most have a
// worker program of the tests in the place of the package's.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/e2e/job_life.hpp"

namespace jobmill::tests {
namespace {

constexpr auto interpreter = "/usr/bin/python3";
const std::string directory = JOBMILL_SOURCE_DIR "/tests/e2e/python";

/// Says why when it does not.
bool has_python()
{
    if (sanitized) {
        MESSAGE("skipped: an interpreter without AddressSanitizer cannot load a library with it");
        return false;
    }
    if (::access(interpreter, X_OK) != 0) {
        MESSAGE("skipped: ", interpreter, " is missing (apt-get install python3)");
        return false;
    }
    return true;
}

std::string quoted(const std::string& text)
{
    return '"' + text + '"';
}

std::string python_pool(unsigned workers, const std::string& more = "")
{
    return "[pool.default]\nworkers = " + std::to_string(workers) + "\nruntime = \"python\"\n" +
           more;
}

/// A place with an interpreter in it that is a script, as some are, and runs the tests' worker
/// program.
struct Workshop {
    std::shared_ptr<Place> place = std::make_shared<Place>();

    Workshop()
    {
        std::ofstream{script()} << "#!/bin/sh\nexec " << interpreter << " " << directory
                                << "/testworker.py \"$@\"\n";
        REQUIRE(::chmod(script().c_str(), 0700) == 0);
    }
    [[nodiscard]] std::string script() const { return place->directory() + "/python"; }
    [[nodiscard]] std::string config(unsigned workers, const std::string& more = "") const
    {
        return python_pool(workers, "interpreter = " + quoted(script()) + "\nmodules = [" +
                                        quoted(test_module()) + "]\n" + more);
    }
    [[nodiscard]] Daemon daemon(unsigned workers, const std::string& more = "") const
    {
        return Daemon{place, {.config = config(workers, more)}};
    }
};

std::string run(JsonClient& client, std::string_view handler, std::string_view payload = "")
{
    client.submit("run", handler, payload);
    const Value result = client.result("run");
    return std::string{result.text_at("state")} + ": " +
           (result.text_at("state") == "succeeded" ? payload_of(result)
                                                   : cause_text(result, "text"));
}

/// The lines that the preloaded module of the tests has written.
std::vector<std::string> record_of(const Place& place)
{
    std::vector<std::string> lines;
    std::ifstream file{place.directory() + "/record"};
    for (std::string line; std::getline(file, line);) {
        lines.push_back(line);
    }
    return lines;
}

/// What a pool with the package's own worker program needs to find the tests' module.
std::string with_record(const Place& place)
{
    return "environment = { PYTHONPATH = " + quoted(directory) +
           ", PYTHONDONTWRITEBYTECODE = \"1\", RECORD = " + quoted(place.directory() + "/record") +
           " }\n";
}

}  // namespace

TEST_CASE("a SIGHUP that comes while the pools load is obeyed once they have")
{
    if (!has_python()) {
        return;
    }
    const Workshop shop;
    const std::string gate = shop.place->directory() + "/gate";
    REQUIRE(::mkfifo(gate.c_str(), 0600) == 0);
    std::ofstream{shop.script()} << "#!/bin/sh\nread x < " << gate << "\nexec " << interpreter
                                 << " " << directory << "/testworker.py \"$@\"\n";
    DaemonUnderTest daemon{shop.place, {.config = shop.config(1), .arguments = {"-l", "debug"}}};
    daemon.await_log("template started");
    std::ofstream{shop.place->directory() + "/jobmill.toml", std::ios::trunc} << shop.config(2);
    daemon.signal(SIGHUP);
    daemon.await_log("reload put off");
    std::ofstream{gate} << "open\n";
    daemon.await_log("pool default: workers 1 -> 2");
    CHECK(daemon.stop().empty());
}

TEST_CASE("a Python pool has handlers of all three kinds")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon = workshop.daemon(1);
    JsonClient client = daemon.json();
    CHECK(run(client, "py.echo", "hello") == "succeeded: hello");
    CHECK(run(client, "sum", "100") == "succeeded: 5050");
    const std::string worker = run(client, "pid");
    CHECK(run(client, "py.pid") == worker);
    CHECK(run(client, "py.fail") == "failed: ValueError: no such luck: \u00e9");
    CHECK(run(client, "throw", "as ever") == "failed: as ever");
    CHECK(run(client, "py.pid") == worker);
    CHECK(run(client, "py.history") == "succeeded: loaded elsewhere, begun here, idle 0");
}

TEST_CASE("two hundred jobs in flight all come back from Python, each its own")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon = workshop.daemon(2);
    JsonClient client = daemon.json();
    for (int i = 0; i < 200; ++i) {
        client.submit(std::to_string(i), "py.echo", "payload " + std::to_string(i));
    }
    for (int i = 0; i < 200; ++i) {
        CHECK(client.result(std::to_string(i)).text_at("payload") ==
              "payload " + std::to_string(i));
    }
}

TEST_CASE("a large payload goes through Python and back")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon = workshop.daemon(1);
    JsonClient client = daemon.json();
    const std::string piece(60'000, 'x');
    client.submit("large", "py.echo", piece, R"(,"size":180000,"more":true)");
    client.send(R"({"op":"piece","id":"large","payload":")" + piece + R"(","more":true})");
    client.send(R"({"op":"piece","id":"large","payload":")" + piece + R"("})");
    CHECK(client.whole_payload("large") == piece + piece + piece);
}

TEST_CASE("a Python handler gets all arguments as they came")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon = workshop.daemon(1);
    JsonClient client = daemon.json();
    client.submit("a", "py.arguments", "", R"(,"args":{"n":5,"s":"t"})");
    CHECK(payload_of(client.result("a")) == "\x82\xa1n\x05\xa1s\xa1t");
    CHECK(run(client, "py.arguments") == "succeeded: ");
}

TEST_CASE("a Python worker that is killed costs its job alone, and its template none")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon = workshop.daemon(1);
    JsonClient client = daemon.json();
    client.submit("pid", "py.pid");
    const pid_t worker = pids_in(payload_of(client.result("pid"))).at(0);
    client.submit("runs", "py.wait");
    (void)client.next("chunk", "runs");
    CHECK(daemon.kill_child(worker));
    const Value result = client.result("runs");
    CHECK(result.text_at("state") == "crashed");
    CHECK(cause_text(result, "signal") == "SIGKILL");
    CHECK(run(client, "py.echo", "next") == "succeeded: next");
    const pid_t first = daemon.template_pid();
    client.submit("before", "py.pid");
    const std::string serving = payload_of(client.result("before"));
    CHECK(daemon.kill_child(first));
    daemon.await("the template is replaced", [&] {
        const pid_t now = daemon.template_pid();
        return now != 0 && now != first;
    });
    CHECK(run(client, "py.pid") == "succeeded: " + serving);
}

TEST_CASE("a fault in a Python worker is told with its handler")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon = workshop.daemon(1);
    JsonClient client = daemon.json();
    client.submit("dies", "segv");
    const Value result = client.result("dies");
    CHECK(cause_text(result, "signal") == "SIGSEGV");
    CHECK(run(client, "py.echo", "next") == "succeeded: next");
}

TEST_CASE("a cancelled Python job is interrupted, wherever it is, and its worker leaves after it")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon = workshop.daemon(1);
    JsonClient client = daemon.json();
    for (const char* const handler : {"py.wait", "py.spin"}) {
        CAPTURE(handler);
        client.submit("before", "py.pid");
        const std::string before = payload_of(client.result("before"));
        client.submit("runs", handler);
        (void)client.next("chunk", "runs");
        client.send(R"({"op":"cancel","id":"runs"})");
        const Value result = client.result("runs");
        CHECK(result.text_at("state") == "cancelled");
        CHECK(cause_text(result, "was") == "running");
        // Asked to end it has ended: nobody was killed.
        CHECK(run(client, "py.pid") != "succeeded: " + before);
        CHECK(daemon.log().find("SIGKILL") == std::string::npos);
    }
    CHECK(daemon.pool().integer_at("crashed") == 0);
}

TEST_CASE("a native handler in a Python worker dies of SIGTERM as it does elsewhere")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon = workshop.daemon(1);
    JsonClient client = daemon.json();
    begin(client, "hangs", "hang");
    client.send(R"({"op":"cancel","id":"hangs"})");
    CHECK(client.result("hangs").text_at("state") == "cancelled");
    CHECK(run(client, "py.echo", "next") == "succeeded: next");
}

TEST_CASE("a Python job that takes too long is stopped, and tried again where that is wanted")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon = workshop.daemon(1);
    JsonClient client = daemon.json();
    client.submit("long", "py.spin", "", R"(,"timeout_ms":50,"retry_timeout":1)");
    const Value result = client.result("long");
    CHECK(result.text_at("state") == "timed_out");
    CHECK(attempts_of(result) == "timed_out");
    client.submit("fails", "py.fail", "", R"(,"retry_failure":2,"backoff_ms":1)");
    CHECK(attempts_of(client.result("fails")) == "failed failed");
}

TEST_CASE("a Python job that will not be interrupted is killed")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon = workshop.daemon(1);
    JsonClient client = daemon.json();
    client.submit("stays", "py.stubborn");
    (void)client.next("chunk", "stays");
    client.send(R"({"op":"cancel","id":"stays"})");
    CHECK(client.result("stays").text_at("state") == "cancelled");
    CHECK(run(client, "py.echo", "next") == "succeeded: next");
}

TEST_CASE("a memory limit that a Python job meets is named")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon = workshop.daemon(1);
    JsonClient client = daemon.json();
    client.submit("starves", "py.starve", "", R"(,"memory":67108864)");
    const Value result = client.result("starves");
    CHECK(result.text_at("state") == "failed");
    CHECK(cause_text(result, "limit") == "memory");
}

TEST_CASE("descriptors and output of a Python template do not reach its workers")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon = workshop.daemon(1);
    JsonClient client = daemon.json();
    const std::string listed = run(client, "py.descriptors");
    CHECK(listed.find("/status\n") == std::string::npos);
    std::istringstream lines{listed.substr(listed.find(' ') + 1)};
    std::set<std::string> targets;
    for (std::string line; std::getline(lines, line);) {
        targets.insert(line.substr(line.find(' ') + 1, 6));
    }
    // Input, both outputs in one pipe, the link, and what the worker reads of itself.
    CHECK(targets == std::set<std::string>{"/dev/n", "pipe:[", "socket", "/proc/"});
    client.submit("dies", "segv");
    CHECK(cause_text(client.result("dies"), "stderr").find("not for every") == std::string::npos);
}

TEST_CASE("a Python job knows the daemon, and starts no threads that it did not ask for")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon =
        workshop.daemon(1, "environment = { MKL_NUM_THREADS = \"3\", OWN = \"mine\" }\n");
    JsonClient client = daemon.json();
    const std::string variables = run(client, "py.environment");
    for (const std::string expected :
         {"OMP_NUM_THREADS=1\n", "OPENBLAS_NUM_THREADS=1\n", "MKL_NUM_THREADS=3\n", "OWN=mine\n"}) {
        CHECK_MESSAGE(variables.find(expected) != std::string::npos, variables);
    }
    CHECK(variables.find("JOBMILL_SOCKET=" + daemon.socket() + "\n") != std::string::npos);
    for (const char* const id : {"one", "two"}) {
        client.submit(id, "py.number");
        const std::string number = client.job_of(id);
        CHECK(payload_of(client.result(id)) == number);
    }
}

TEST_CASE("threads of a Python worker go on while it waits for a job")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon = workshop.daemon(1, "environment = { TESTWORKER = \"threads\" }\n");
    JsonClient client = daemon.json();
    const std::string first = run(client, "py.ticks");
    daemon.await("they go on", [&] { return run(client, "py.ticks") != first; });
}

TEST_CASE("a Python worker that has nothing to do is told so, once")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon = workshop.daemon(1, with_record(*workshop.place));
    JsonClient client = daemon.json();
    CHECK(run(client, "py.history").ends_with("idle 0"));
    daemon.await("it is told", [&] { return !record_of(*workshop.place).empty(); });
    CHECK(run(client, "py.history").ends_with("idle 1"));
}

TEST_CASE("why a runtime cannot load its handlers is told, cut to what fits")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Departure departure =
        run_daemon(workshop.place,
                   {.config = workshop.config(1, "environment = { TESTWORKER = \"refuse\" }\n")});
    CHECK(departure.exit_code == 78);
    CHECK_MESSAGE(
        departure.log.find("RuntimeError: the model is missing: \u00e9xxx") != std::string::npos,
        departure.log);
}

TEST_CASE(
    "a Python template that has threads is refused with the remedy, unless workers load alone")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const std::string thread = "environment = { TESTWORKER = \"early thread\" }\n";
    const Departure departure = run_daemon(workshop.place, {.config = workshop.config(1, thread)});
    CHECK(departure.exit_code == 78);
    for (const char* const words : {"started threads", "start = \\\"spawn\\\"", "OPENBLAS"}) {
        CHECK_MESSAGE(departure.log.find(words) != std::string::npos, departure.log);
    }
    const Daemon daemon = workshop.daemon(1, thread + "start = \"spawn\"\n");
    JsonClient client = daemon.json();
    CHECK(run(client, "py.history") == "succeeded: loaded here, begun here, idle 0");
    client.submit("runs", "py.wait");
    (void)client.next("chunk", "runs");
    client.send(R"({"op":"cancel","id":"runs"})");
    CHECK(client.result("runs").text_at("state") == "cancelled");
    CHECK(run(client, "py.echo", "next") == "succeeded: next");
}

TEST_CASE("a thread that has ended when a Python template has loaded is no matter")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    const Daemon daemon = workshop.daemon(1, "environment = { TESTWORKER = \"short thread\" }\n");
    JsonClient client = daemon.json();
    CHECK(run(client, "py.echo", "up") == "succeeded: up");
}

TEST_CASE("what a pool preloads is loaded once, and its initializer runs in every worker")
{
    if (!has_python()) {
        return;
    }
    auto place = std::make_shared<Place>();
    const std::string config = python_pool(
        2, "preload = [\"testjobs\"]\ninitializer = \"testjobs:begin\"\n" + with_record(*place));
    const Daemon daemon{place, {.config = config}};
    daemon.await_workers(2);
    const auto record = record_of(*place);
    REQUIRE(record.size() == 3);
    CHECK(record[0] == "loaded " + std::to_string(daemon.template_pid()));
    CHECK(record[1].starts_with("begun "));
    CHECK(record[2].starts_with("begun "));
    CHECK(record[1] != record[2]);
}

TEST_CASE("a module that cannot be preloaded, and an interpreter that is not there, are named")
{
    if (!has_python()) {
        return;
    }
    const Departure no_module =
        run_daemon({.config = python_pool(1, "preload = [\"no_such_module\"]\n")});
    CHECK(no_module.exit_code == 78);
    CHECK_MESSAGE(no_module.log.find("no_such_module") != std::string::npos, no_module.log);
    const Departure no_interpreter =
        run_daemon({.config = python_pool(1, "interpreter = \"/nonexistent/python\"\n")});
    CHECK(no_interpreter.exit_code == 78);
    CHECK_MESSAGE(
        no_interpreter.log.find("starting /nonexistent/python: No such file or directory") !=
            std::string::npos,
        no_interpreter.log);
}

TEST_CASE("an interpreter that another program runs as its child is refused with a sentence")
{
    if (!has_python()) {
        return;
    }
    const Workshop workshop;
    std::ofstream{workshop.script()} << "#!/bin/sh\n"
                                     << interpreter << " " << directory
                                     << "/testworker.py \"$@\"\nexit $?\n";
    const Departure departure = run_daemon(workshop.place, {.config = workshop.config(1)});
    CHECK(departure.exit_code == 78);
    CHECK_MESSAGE(
        departure.log.find("is not the process that the daemon has started") != std::string::npos,
        departure.log);
}

TEST_CASE("an initializer that raises ends its worker, and the traceback is told")
{
    if (!has_python()) {
        return;
    }
    auto place = std::make_shared<Place>();
    Daemon daemon{place,
                  {.config = python_pool(1,
                                         "preload = [\"testjobs\"]\ninitializer = "
                                         "\"testjobs:refuse\"\n" +
                                             with_record(*place))}};
    daemon.await_log("exit code 78");
    CHECK(daemon.pool().integer_at("workers") == 0);
}

TEST_CASE("a reload that changes what is preloaded brings new workers, and a bad one none")
{
    if (!has_python()) {
        return;
    }
    auto place = std::make_shared<Place>();
    const std::string before = python_pool(1, with_record(*place));
    const Daemon daemon{place, {.config = before}};
    daemon.await_workers(1);
    CHECK(record_of(*place).empty());
    Value answer = reload_with(daemon, before + "preload = [\"testjobs\"]\n");
    REQUIRE(answer.find("changes") != nullptr);
    CHECK(*answer.find("changes")->array()->at(0).text() ==
          "pool default: loaded anew, changed: preload");
    CHECK(record_of(*place).size() == 1);
    answer = reload_with(daemon, before + "preload = [\"no_such_module\"]\n");
    CHECK(answer.text_at("text").find("no_such_module") != std::string_view::npos);
    daemon.check_healthy();
}

}  // namespace jobmill::tests
