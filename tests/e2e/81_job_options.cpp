// SPDX-License-Identifier: MIT
// What a job asks for, from the command line to the worker and back.
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

struct Ran {
    int code = -1;
    std::string out;
    std::string err;
};

std::string text_of_file(const std::string& path)
{
    std::ifstream file{path};
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

/// A daemon, and a shell beside it in which "jobmill" is the program and works with that daemon, in
/// a directory where nobody else is.
class Shell {
public:
    explicit Shell(unsigned workers, const std::string& before = "")
        : daemon_(pool_config(workers, before)), directory_(daemon_.place().directory())
    {
    }

    [[nodiscard]] Ran run(const std::string& script) const
    {
        const std::string words = "cd " + directory_ +
                                  "; exec 2>err; JOBMILL_SOCKET=" + daemon_.socket() +
                                  "; export JOBMILL_SOCKET; jobmill() { " + JOBMILL_PROGRAM +
                                  " --no-start \"$@\"; }; " + script;
        FILE* pipe = ::popen(words.c_str(), "r");
        REQUIRE(pipe != nullptr);
        Ran ran;
        std::array<char, 4096> chunk{};
        for (std::size_t size = 0; (size = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) {
            ran.out.append(chunk.data(), size);
        }
        const int status = ::pclose(pipe);
        ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        ran.err = text_of_file(directory_ + "/err");
        return ran;
    }

    [[nodiscard]] std::string file(const std::string& name) const
    {
        return text_of_file(directory_ + "/" + name);
    }
    [[nodiscard]] const Daemon& daemon() const { return daemon_; }

private:
    Daemon daemon_;
    std::string directory_;
};

bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a job that runs too long is stopped, with 124 and what it has said")
{
    const Shell shell{1};
    const Ran ran = shell.run("jobmill run -t 200ms -- sh -c 'echo begun; exec sleep 60'");
    CHECK(ran.code == 124);
    CHECK(ran.out == "begun\n");
    CHECK_MESSAGE(has(ran.err, "timed out after"), ran.err);
    CHECK(shell.run("jobmill run -t unlimited sum 100").out == "5050");
    CHECK(has(shell.run("jobmill status").out, "TIMED-OUT"));
}

TEST_CASE("a job that does not begin in time is dropped, with 124")
{
    const Shell shell{1};
    const Ran ran = shell.run(
        "blocker=$(jobmill submit until_cancelled); jobmill run --queue-timeout 50ms sum 1; "
        "code=$?; jobmill cancel $blocker >/dev/null; exit $code");
    CHECK(ran.code == 124);
    CHECK_MESSAGE(has(ran.err, "expired: it had not begun after"), ran.err);
}

TEST_CASE("a job does not begin before its delay is over")
{
    const Shell shell{1};
    const auto start = std::chrono::steady_clock::now();
    CHECK(shell.run("jobmill run --delay 300ms sum 100").out == "5050");
    CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds{300});
}

TEST_CASE("jobs with a higher priority run first")
{
    const Shell shell{1};
    const Ran ran = shell.run(
        "blocker=$(jobmill submit until_cancelled); a=$(jobmill submit -P -5 -- sh -c 'echo low >> "
        "order'); b=$(jobmill submit -- sh -c 'echo plain >> order'); c=$(jobmill submit -P 5 -- "
        "sh "
        "-c 'echo high >> order'); jobmill cancel $blocker >/dev/null; jobmill wait $a $b $c");
    CHECK(ran.code == 0);
    CHECK(shell.file("order") == "high\nplain\nlow\n");
}

TEST_CASE("a job that crashes is tried again as often as it says, and every attempt is told")
{
    const Shell shell{1};
    const Ran ran = shell.run("jobmill run -r crash=1 --backoff 1ms kill");
    CHECK(ran.code == 137);
    CHECK_MESSAGE(has(ran.err, "attempt 2 of 2"), ran.err);
    CHECK_MESSAGE(has(ran.err, "  attempt 1 crashed: SIGKILL"), ran.err);
}

TEST_CASE("a job that fails is tried again only when that is asked for")
{
    const Shell shell{1};
    const std::string job = "--backoff 1ms -- sh -c 'echo x >> tries; exit 3'";
    CHECK(shell.run("jobmill run " + job).code == 3);
    CHECK(shell.file("tries") == "x\n");
    CHECK(shell.run("jobmill run -r crash=5,timeout=5 " + job).code == 3);
    CHECK(shell.file("tries") == "x\nx\n");
    const Ran ran = shell.run("jobmill run -r failure=2 " + job);
    CHECK(ran.code == 3);
    CHECK(shell.file("tries") == "x\nx\nx\nx\nx\n");
    CHECK_MESSAGE(has(ran.err, "failed: exit code 3, attempt 3 of 3"), ran.err);
}

TEST_CASE("a job that succeeds at last has succeeded")
{
    const Shell shell{1};
    const Ran ran = shell.run(
        "jobmill run -r 1 --backoff 1ms -- sh -c 'test -e flag || { touch flag; exit 1; }; echo "
        "ok'");
    CHECK(ran.code == 0);
    CHECK(ran.out == "ok\n");
    CHECK(ran.err.empty());
}

TEST_CASE("a job that crashes one worker after another is set aside, and can be run again")
{
    const Shell shell{1};
    const Ran ran = shell.run("jobmill run -r crash=100 --backoff 1ms segv");
    CHECK(ran.code == 139);
    CHECK_MESSAGE(has(ran.err, "; set aside: jobmill retry "), ran.err);
    const Ran status = shell.run("jobmill status");
    CHECK_MESSAGE(has(status.out, "SET-ASIDE"), status.out);
    CHECK_MESSAGE(has(status.out, "SIGSEGV"), status.out);
    const Ran again = shell.run(
        "old=$(jobmill status | sed -n '/^SET-ASIDE/{n;s/ .*//p}'); new=$(jobmill retry $old); "
        "test $new -gt $old || exit 99; jobmill wait $new");
    CHECK(again.code == 139);
    CHECK(shell.run("jobmill retry 999999").code == 1);
}

TEST_CASE("limits reach the job, and the one that stopped it is told")
{
    const Shell shell{1};
    const Ran file =
        shell.run("jobmill run --file-size 4KiB -- sh -c 'exec head -c 100000 /dev/zero > large'");
    CHECK(file.code == 128 + SIGXFSZ);
    CHECK_MESSAGE(has(file.err, "over its limit of file sizes"), file.err);
    const Ran cpu = shell.run("jobmill run --cpu-time 1s -- sh -c 'while :; do :; done'");
    CHECK_MESSAGE(has(cpu.err, "over its limit of CPU time"), cpu.err);
    const int nice = std::max(7, ::getpriority(PRIO_PROCESS, 0));
    CHECK(shell.run("jobmill run --nice 7 -- nice").out == std::to_string(nice) + "\n");
    CHECK(shell.run("jobmill run --cpus 0 -- nproc").out == "1\n");
    CHECK(shell.run("jobmill run --open-files 17 -- sh -c 'ulimit -n'").out == "17\n");
}

TEST_CASE("jobs of a batch, or of a label, are cancelled together")
{
    const Shell shell{1};
    const Ran ran = shell.run(
        "for i in 1 2 3; do jobmill submit -b night sleep 60s >/dev/null; done; jobmill "
        "submit "
        "-L day sleep 60s >/dev/null; jobmill cancel -b night; jobmill cancel -L day; "
        "jobmill "
        "cancel -b night");
    CHECK(ran.code == 1);
    CHECK_MESSAGE(has(ran.out, "batch night: 3 cancelled ("), ran.out);
    CHECK_MESSAGE(has(ran.out, "label day: 1 cancelled ("), ran.out);
    CHECK_MESSAGE(has(ran.err, "batch night: no unfinished jobs"), ran.err);
}

TEST_CASE("a map that halts leaves with the code of the job that failed, and runs no more")
{
    const Shell shell{1};
    const Ran ran = shell.run(
        "seq 50 | jobmill map --halt now,fail=1 --joblog log -- sh -c 'echo $0; test $0 != 3 || "
        "exit "
        "9'");
    CHECK(ran.code == 9);
    CHECK(ran.out == "1\n2\n3\n");
    CHECK_MESSAGE(has(ran.err, "2 done, 1 failed, 47 given up (see log)"), ran.err);
    const Ran rest = shell.run("seq 50 | jobmill map --resume --joblog log -- echo | wc -l");
    CHECK(rest.out == "47\n");
}

TEST_CASE("a batch that was given up takes no more jobs")
{
    const Shell shell{1};
    const Ran ran =
        shell.run("jobmill run -b gone --halt soon,fail=1 -- false; jobmill run -b gone sum 1");
    CHECK(ran.code == 125);
    CHECK(has(shell.run("jobmill status").out, "given up"));
}

TEST_CASE("how much runs at once can be changed while it runs")
{
    const Shell shell{2};
    const Ran set = shell.run("jobmill set --pool default --max-running 1 --weight 50");
    CHECK(set.code == 0);
    CHECK_MESSAGE(has(set.out, "default  1        50"), set.out);
    const Ran ran = shell.run(
        "a=$(jobmill submit until_cancelled); b=$(jobmill submit until_cancelled); until jobmill "
        "status $a | grep -q running; do :; done; jobmill status $b; jobmill cancel all "
        ">/dev/null");
    CHECK_MESSAGE(has(ran.out, "queued"), ran.out);
    CHECK(shell.run("jobmill set --max-running 0").code == 2);
}

TEST_CASE("many small jobs of a map travel together and come back one by one")
{
    const Shell shell{2};
    const Ran ran = shell.run(
        "seq 3000 | jobmill map -k echo | cmp - numbers 2>&1 || true; seq 3000 "
        "> numbers; seq 3000 | jobmill map -k echo | cmp - numbers");
    CHECK(ran.code == 0);
}

TEST_CASE("the command cancels what does not run, and says what does")
{
    const Shell shell{1};
    const Ran ran = shell.run(
        "mkfifo go; runs=$(jobmill submit -L night -- sh -c 'echo begun; read -r x <go');"
        "jobmill wait $runs >begun & until grep -q begun begun; do :; done;"
        "jobmill submit -L night -- true >/dev/null; jobmill submit -L night -- true >/dev/null;"
        "jobmill cancel --queued --label night; jobmill cancel --queued $runs; echo $?;"
        "echo x >go; wait");
    CHECK(ran.out.starts_with("label night: 2 cancelled, 1 run and go on (gone in "));
    CHECK(ran.out.ends_with("\n1\n"));
    CHECK(ran.err.find("it runs, and goes on") != std::string::npos);
}

}  // namespace jobmill::tests
