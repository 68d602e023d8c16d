// SPDX-License-Identifier: MIT
// Loading: what a template takes, and the sentences with which it refuses.
#include <algorithm>

#include <doctest/doctest.h>
#include <jobmill/handler.hpp>

#include "common/exit_code.hpp"
#include "tests/unit/worker/worker_harness.hpp"

namespace jobmill::test {
namespace {

std::string module_path(const std::string& name)
{
    return JOBMILL_TEST_MODULES "/" + name + ".so";
}

/// Why the template refuses these arguments; it leaves with 78.
std::string refusal(const Arguments& arguments)
{
    TestTemplate pool{arguments};
    CHECK(WEXITSTATUS(pool.await_death()) == exit_code::bad_config);
    return pool.refusal();
}

bool has(const std::vector<std::string>& names, const char* name)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

TEST_CASE("exec is there only when it is allowed")
{
    CHECK(!has(TestTemplate{}.handlers(), "exec"));
    CHECK(has(TestTemplate{{"--allow-exec"}}.handlers(), "exec"));
    CHECK(refusal({"--builtin", "exec"}) ==
          "module built-in has the handler \"exec\", which runs commands and is not allowed");
}

TEST_CASE("a pool has the built-in handlers that it names")
{
    CHECK(TestTemplate{{"--builtin", "sum,echo"}}.handlers() ==
          std::vector<std::string>{"echo", "sum"});
    CHECK(TestTemplate{{"--builtin", "none"}}.handlers().empty());
    CHECK(refusal({"--builtin", "sun"}) == "module built-in has no handler \"sun\"");
}

TEST_CASE("each way in which a module cannot be used is told with its name")
{
    const std::string wrong = module_path("wrong_abi");
    CHECK(refusal({"--module", wrong}) ==
          "module " + wrong +
              " is built for module interface 99; this jobmill-worker has interface 1");
    const std::string empty = module_path("no_entry");
    CHECK(refusal({"--module", empty}) ==
          "module " + empty + " is no module: it does not export jobmill_module_v1");
    const std::string throws = module_path("throws");
    CHECK(refusal({"--module", throws}) ==
          "module " + throws + " threw while it was loaded: the model file is missing");
    const std::string static_throws = module_path("static_throws");
    const std::string thrown = " threw while it was loaded: a static constructor threw";
    CHECK(refusal({"--module", static_throws}) == "module " + static_throws + thrown);
    const Exit spawned = run_spawned({"--module", static_throws});
    CHECK(spawned.code == exit_code::bad_config);
    CHECK(spawned.standard_error == "jobmill-worker: module " + static_throws + thrown + "\n");
    const std::string missing = module_path("missing");
    const std::string text = refusal({"--module", missing});
    CHECK(text.find("module " + missing + " cannot be loaded: ") == 0);
    CHECK(text.find("No such file") != std::string::npos);
}

TEST_CASE("a handler's name is taken once")
{
    const std::string path = module_path("plain_c");
    CHECK(refusal({"--module", path, "--module", path}) ==
          "module " + path + " has a handler \"reverse\", which is already one of " + path);
}

TEST_CASE("a module that starts threads cannot be forked, but spawned")
{
    const std::string path = module_path("starts_thread");
    CHECK(refusal({"--module", path}) ==
          "module " + path +
              " started threads while it was loaded, so its process cannot be forked; say start = "
              "\"spawn\" for its pool");
    TestWorker worker = spawn_worker({"--builtin", "none", "--module", path}, {"nothing", "ready"});
    CHECK(worker.run({.handler = "ready"}).result == "1");
}

TEST_CASE("a spawned worker that cannot load says so on standard error")
{
    const std::string path = module_path("no_entry");
    const Exit exit = run_spawned({"--module", path});
    CHECK(exit.code == exit_code::bad_config);
    CHECK(exit.standard_error == "jobmill-worker: module " + path +
                                     " is no module: it does not export jobmill_module_v1\n");
}

TEST_CASE("a module in C has the whole interface")
{
    TestTemplate pool{{"--module", module_path("plain_c")}};
    TestWorker worker = pool.fork();
    CHECK(worker.run({.handler = "reverse", .payload = "abc"}).result == "cba");
    const Answer answer = worker.run({.handler = "arguments",
                                      .args = {{"text", "t"},
                                               {"integer", -7},
                                               {"real", 2.5},
                                               {"truth", true},
                                               {"list", Array{"four", 5}}}});
    CHECK(answer.cause.text == "");
    CHECK(answer.succeeded);
    CHECK(worker.run({.handler = "silent"}).cause.text == "handler \"silent\" answered 5");
}

TEST_CASE("in an older worker a job shows life by asking whether it is cancelled")
{
    static int asked = 0;
    static int alive = 0;
    jobmill_api api{};
    api.cancelled = [](jobmill_job*) { return ++asked; };
    api.alive = [](jobmill_job*) { ++alive; };
    const Job job{nullptr, &api};
    api.size = offsetof(jobmill_api, alive);
    job.alive();
    CHECK(asked == 1);
    CHECK(alive == 0);
    api.size = sizeof api;
    job.alive();
    CHECK(asked == 1);
    CHECK(alive == 1);
}

}  // namespace jobmill::test
