// SPDX-License-Identifier: MIT
// Commands of other programs, in a real worker.
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "tests/unit/worker/worker_harness.hpp"
#include "worker/handlers/term_forwarder.hpp"

namespace jobmill::test {
namespace {

Work command(Array argv, std::string payload = {})
{
    return {.handler = "exec", .payload = std::move(payload), .args = {{"argv", std::move(argv)}}};
}

Work shell(const char* script, std::string payload = {})
{
    return command({"sh", "-c", script}, std::move(payload));
}

std::string joined(const Answer& answer, Stream stream)
{
    std::string text;
    for (std::size_t i = 0; i < answer.chunks.size(); ++i) {
        text += answer.streams[i] == stream ? answer.chunks[i] : "";
    }
    return text;
}

class TestDirectory {
public:
    TestDirectory()
    {
        std::string name = (std::filesystem::temp_directory_path() / "jobmill-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TestDirectory() { std::filesystem::remove_all(path_); }
    TestDirectory(const TestDirectory&) = delete;
    TestDirectory& operator=(const TestDirectory&) = delete;

    [[nodiscard]] std::string file(const char* name, const char* contents, mode_t mode) const
    {
        std::string path = path_ / name;
        std::ofstream{path} << contents;
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        return path;
    }
    [[nodiscard]] std::string path() const { return path_.string(); }

private:
    std::filesystem::path path_;
};

void check_refused(const Answer& answer, int code, const std::string& text)
{
    CHECK(!answer.succeeded);
    CHECK(answer.cause.kind == "exec");
    CHECK(answer.cause.exit_code == code);
    CHECK(answer.cause.text == text);
}

}  // namespace

TEST_CASE("a command's output comes as chunks of its two streams, its result is empty")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    const Answer answer = worker.run(shell("echo out; echo err >&2; echo more"));
    CHECK(answer.succeeded);
    CHECK(answer.result.empty());
    CHECK(joined(answer, Stream::out) == "out\nmore\n");
    CHECK(joined(answer, Stream::err) == "err\n");
}

TEST_CASE("after a command SIGTERM does what it did before")
{
    struct sigaction mine {};
    mine.sa_handler = [](int) {};
    struct sigaction usual {};
    REQUIRE(::sigaction(SIGTERM, &mine, &usual) == 0);
    {
        handlers::TermForwarder forwarder;
        forwarder.begin(0);
        forwarder.end();
    }
    struct sigaction after {};
    CHECK(::sigaction(SIGTERM, &usual, &after) == 0);
    const bool as_before = after.sa_handler == mine.sa_handler;
    CHECK(as_before);
}

TEST_CASE("a command's output comes while it runs")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    const Sequence sequence = worker.offer(shell("echo first; exec sleep 3600"));
    const auto heard = worker.hear();
    REQUIRE(heard);
    CHECK(text_of(heard->payload) == "first\n");
    worker.kill(SIGTERM);
    CHECK(worker.await_answer(sequence).cause.signal == "SIGTERM");
}

TEST_CASE("the payload is a command's standard input, small or large")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    CHECK(joined(worker.run(command({"cat"}, "hello")), Stream::out) == "hello");
    CHECK(joined(worker.run(command({"cat"})), Stream::out).empty());
    const std::string large(3'000'000, 'x');
    CHECK(joined(worker.run(command({"cat"}, large)), Stream::out) == large);
    CHECK(joined(worker.run(command({"tail", "-c", "2"}, large)), Stream::out) == "xx");
}

TEST_CASE("an exit code and a signal are causes of their own")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    const Answer exit = worker.run(shell("exit 3"));
    CHECK(exit.cause.kind == "exit");
    CHECK(exit.cause.exit_code == 3);
    const Answer signal = worker.run(shell("kill -ABRT $$"));
    CHECK(signal.cause.kind == "signal");
    CHECK(signal.cause.signal == "SIGABRT");
}

TEST_CASE("a command has the umask that it is told")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    for (const char* const mask : {"077", "0027", "0", "777"}) {
        Work work = shell("umask");
        work.args.emplace_back("umask", mask);
        const std::string told = joined(worker.run(work), Stream::out);
        CHECK(std::stoul(told, nullptr, 8) == std::stoul(mask, nullptr, 8));
    }
    for (const char* const mask : {"", "8", "1000", "00077", "-1", "0x7", "77 "}) {
        CAPTURE(mask);
        Work work = shell("umask");
        work.args.emplace_back("umask", mask);
        const Answer refused = worker.run(work);
        CHECK_FALSE(refused.succeeded);
        CHECK(refused.cause.text ==
              std::string{"exec: umask wants octal digits such as \"022\", not "} + "\"" + mask +
                  "\"");
    }
}

TEST_CASE("a command with an argument that nobody knows does not begin")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    Work work = shell("echo begun");
    work.args.emplace_back("cdw", "/tmp");
    const Answer refused = worker.run(work);
    CHECK_FALSE(refused.succeeded);
    CHECK(refused.chunks.empty());
    CHECK(refused.cause.text == "exec: no argument \"cdw\"; there are argv, cwd, env, umask");
}

TEST_CASE("a command has its directory, its environment, default signals and no descriptors")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    Work work = shell("pwd; echo $V; echo $HOME.; ls -1 /proc/self/fd | wc -l");
    work.args.emplace_back("cwd", "/usr/bin");
    work.args.emplace_back("env", Array{"V=value", "PATH=/usr/bin:/bin"});
    CHECK(joined(worker.run(work), Stream::out) == "/usr/bin\nvalue\n.\n4\n");
    const std::string blocked =
        joined(worker.run(command({"grep", "SigBlk", "/proc/self/status"})), Stream::out);
    CHECK(blocked == "SigBlk:\t0000000000000000\n");
    const std::string ignored =
        joined(worker.run(command({"grep", "SigIgn", "/proc/self/status"})), Stream::out);
    // Signals 32 and 33 are the library's own.
    CHECK((std::stoull(ignored.substr(8), nullptr, 16) & ~0x180000000U) == 0);
}

TEST_CASE("a command that cannot be started says why")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    const TestDirectory directory;
    const std::string plain = directory.file("plain", "no program", 0644);
    const std::string binary = directory.file("binary", "\x7fno program either", 0755);
    const std::string script = directory.file("script", "#!/no/such/interpreter\n", 0755);
    check_refused(worker.run(command({"no-such-program"})), 127,
                  "exec: no-such-program: No such file or directory");
    check_refused(worker.run(command({"/no/such"})), 127,
                  "exec: /no/such: No such file or directory");
    check_refused(worker.run(command({script})), 127,
                  "exec: " + script + ": its interpreter: No such file or directory");
    check_refused(worker.run(command({plain})), 126, "exec: " + plain + ": Permission denied");
    check_refused(worker.run(command({binary})), 126, "exec: " + binary + ": Exec format error");
    check_refused(worker.run(command({"/tmp"})), 126, "exec: /tmp: Is a directory");
    Work elsewhere = command({"true"});
    elsewhere.args.emplace_back("cwd", "/no/such");
    check_refused(worker.run(elsewhere), 126, "exec: cwd /no/such: No such file or directory");
    CHECK(worker.run(command({})).cause.text ==
          "exec: argument \"argv\" is missing: the command, as a list of texts");
}

TEST_CASE("a program is looked for in the job's own PATH")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    const TestDirectory directory;
    (void)directory.file("jobmill-own", "#!/bin/sh\necho found\n", 0755);
    Work work = command({"jobmill-own"});
    work.args.emplace_back("env", Array{"PATH=/no/such:" + directory.path()});
    CHECK(joined(worker.run(work), Stream::out) == "found\n");
    Work relative = command({"jobmill-own"});
    relative.args.emplace_back("cwd", directory.path());
    relative.args.emplace_back("env", Array{"PATH=:/bin"});
    CHECK(joined(worker.run(relative), Stream::out) == "found\n");
}

TEST_CASE("what a command leaves in the background neither holds the job nor survives it")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    const Answer answer = worker.run(shell("sleep 3600 & echo $!; setsid sleep 3600 & echo $!"));
    CHECK(answer.succeeded);
    std::string pids = joined(answer, Stream::out);
    const std::size_t line = pids.find('\n');
    CHECK(::kill(static_cast<pid_t>(std::stol(pids)), 0) == -1);
    CHECK(::kill(static_cast<pid_t>(std::stol(pids.substr(line + 1))), 0) == -1);
}

TEST_CASE("a command that cannot be executed now, or has an impossible name, says why")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    const TestDirectory directory;
    const std::string busy = directory.path() + "/busy";
    std::filesystem::copy_file("/bin/true", busy);
    const std::string loop = directory.path() + "/loop";
    std::filesystem::create_symlink(loop, loop);
    const std::string name = "/" + std::string(300, 'n');
    check_refused(worker.run(command({loop})), 126,
                  "exec: " + loop + ": Too many levels of symbolic links");
    check_refused(worker.run(command({name})), 126, "exec: " + name + ": File name too long");
    check_refused(worker.run(command({busy + "/true"})), 127,
                  "exec: " + busy + "/true: Not a directory");
    const std::ofstream writer{busy, std::ios::app};
    check_refused(worker.run(command({busy})), 126, "exec: " + busy + ": Text file busy");
    CHECK(worker.run(command({"true"})).succeeded);
}

TEST_CASE("a command does not outlive its worker")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    (void)worker.offer(shell("echo $$; exec sleep 3600"));
    const auto heard = worker.hear();
    REQUIRE(heard);
    const auto pid = static_cast<pid_t>(std::stol(std::string{text_of(heard->payload)}));
    worker.kill(SIGKILL);
    (void)worker.await_death();
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGKILL);
}

TEST_CASE("after its command a worker dies of SIGTERM again")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    CHECK(worker.run(command({"true"})).succeeded);
    worker.kill(SIGTERM);
    CHECK(WTERMSIG(worker.await_death()) == SIGTERM);
}

}  // namespace jobmill::test
