// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "tests/chaos/history.hpp"
#include "tests/chaos/history_checker.hpp"

using namespace jobmill::chaos;

namespace {

/// A session in which all is well, to which a case adds what is not.
class History {
public:
    History()
    {
        checker.client(false);
        add(What::session, "s");
    }

    void add(What what, const std::string& id, Facts facts = {})
    {
        checker.add({.at = ++now_, .what = what, .id = id, .facts = std::move(facts)});
    }
    void submit(const std::string& id, const std::string& want, Facts more = {})
    {
        more.insert(more.begin(), {{"handler", "some"}, {"want", want}});
        if (want == "value") {
            more.emplace_back("digest", digest_of("right"));
        }
        add(What::submit, id, std::move(more));
    }
    void accept(const std::string& id, int job = 7)
    {
        add(What::accepted, id, {{"job", std::to_string(job)}});
    }
    void result(const std::string& id, const std::string& state, Facts more = {}, int job = 7)
    {
        more.insert(more.begin(), {{"job", std::to_string(job)}, {"state", state}});
        if (state == "succeeded") {
            more.emplace_back("digest", digest_of("right"));
        }
        add(What::result, id, std::move(more));
    }
    void kill_worker() { checker.worker_killed(++now_); }
    /// The verdict, after the session's end.
    Verdict judge()
    {
        add(What::end, "");
        return checker.judge();
    }

    HistoryChecker checker;

private:
    std::int64_t now_ = 1000;
};

const Facts sigkill{{"kind", "signal"}, {"signal", "SIGKILL"}};
const Facts cancelled{{"kind", "cancel"}};

void check_one(const Verdict& verdict, const char* words)
{
    REQUIRE(verdict.violations == 1);
    CAPTURE(verdict.first.front());
    CHECK(verdict.first.front().find(words) != std::string::npos);
}

}  // namespace

TEST_CASE_FIXTURE(History, "a job that ends once with the right result is good")
{
    submit("j", "value");
    accept("j");
    add(What::started, "j");
    result("j", "succeeded");
    const Verdict verdict = judge();
    CHECK(verdict.good());
    CHECK(verdict.submitted == 1);
    CHECK(verdict.accepted == 1);
    CHECK(verdict.ended.at("succeeded") == 1);
}

TEST_CASE_FIXTURE(History, "an accepted job without an end is lost")
{
    submit("j", "value");
    accept("j");
    const Verdict verdict = judge();
    check_one(verdict, "no terminal event");
    CHECK(verdict.lost == 1);
}

TEST_CASE_FIXTURE(History, "a submit that nobody answers is a violation")
{
    submit("j", "value");
    check_one(judge(), "never answered");
}

TEST_CASE_FIXTURE(History, "two terminal events are one too many")
{
    submit("j", "value");
    accept("j");
    result("j", "succeeded");
    result("j", "succeeded");
    const Verdict verdict = judge();
    CHECK(verdict.doubled == 1);
    CHECK(verdict.violations == 2);  // and the second comes after the first
}

TEST_CASE_FIXTURE(History, "nothing may come after the terminal event nor before the acceptance")
{
    submit("j", "value");
    accept("j");
    result("j", "succeeded");
    add(What::chunk, "j");
    check_one(judge(), "after its terminal");
    History early;
    early.submit("j", "value");
    early.add(What::started, "j");
    early.accept("j");
    early.result("j", "succeeded");
    check_one(early.judge(), "before it was accepted");
}

TEST_CASE_FIXTURE(History, "a wrong result is told from a right one")
{
    submit("j", "value");
    accept("j");
    add(What::result, "j", {{"job", "7"}, {"state", "succeeded"}, {"digest", digest_of("wrong")}});
    const Verdict verdict = judge();
    check_one(verdict, "instead of");
    CHECK(verdict.wrong == 1);
}

TEST_CASE_FIXTURE(History, "chunks that are missing are a wrong result")
{
    submit("j", "value", {{"chunks", digest_of("abc")}});
    accept("j");
    result("j", "succeeded", {{"chunks", digest_of("ab")}});
    CHECK(judge().wrong == 1);
}

TEST_CASE_FIXTURE(History, "a job that has to fail or to crash cannot succeed")
{
    for (const char* const want : {"failure", "SIGSEGV", "exit", "lost", "endless"}) {
        CAPTURE(want);
        History history;
        history.submit("j", want);
        history.accept("j");
        history.result("j", "succeeded");
        check_one(history.judge(), "succeeded");
    }
}

TEST_CASE_FIXTURE(History, "a crash is explained by its handler or by a kill before it")
{
    submit("own", "SIGSEGV");
    accept("own", 1);
    result("own", "crashed", {{"kind", "signal"}, {"signal", "SIGSEGV"}}, 1);
    submit("killed", "value");
    accept("killed", 2);
    kill_worker();
    result("killed", "crashed", sigkill, 2);
    const Verdict verdict = judge();
    CHECK(verdict.good());
    CHECK(verdict.killed == 1);
}

TEST_CASE_FIXTURE(History, "a crash that nothing explains is a violation")
{
    kill_worker();
    submit("j", "value");
    accept("j");
    SUBCASE("the kill was before its time")
    {
        result("j", "crashed", sigkill);
    }
    SUBCASE("of another signal")
    {
        kill_worker();
        result("j", "crashed", {{"kind", "signal"}, {"signal", "SIGTERM"}});
    }
    SUBCASE("its worker was replaced")
    {
        kill_worker();
        result("j", "crashed", {{"kind", "lost"}});
    }
    CHECK(judge().violations == 1);
}

TEST_CASE_FIXTURE(History, "a kill costs one job and no more")
{
    submit("a", "value");
    submit("b", "value");
    accept("a", 1);
    accept("b", 2);
    kill_worker();
    result("a", "crashed", sigkill, 1);
    result("b", "crashed", sigkill, 2);
    check_one(judge(), "that no other job lost");
}

TEST_CASE_FIXTURE(History, "kills are given to deaths so that as many as can be are explained")
{
    submit("long", "value");
    accept("long", 1);
    submit("short", "value");
    accept("short", 2);
    kill_worker();
    result("short", "crashed", sigkill, 2);
    SUBCASE("the second comes before the longer one ends")
    {
        kill_worker();
        result("long", "crashed", sigkill, 1);
        CHECK(judge().good());
    }
    SUBCASE("or after")
    {
        result("long", "crashed", sigkill, 1);
        kill_worker();
        check_one(judge(), "job long");
    }
}

TEST_CASE_FIXTURE(History, "a cancel explains what is cancelled after it and nothing else")
{
    submit("tag", "value");
    submit("job", "value");
    submit("none", "value");
    accept("tag", 1);
    accept("job", 2);
    accept("none", 3);
    add(What::cancel, "tag");
    result("tag", "cancelled", cancelled, 1);
    add(What::cancel_job, "r", {{"job", "2"}});
    result("job", "cancelled", cancelled, 2);
    SUBCASE("not asked at all")
    {
        result("none", "cancelled", cancelled, 3);
    }
    SUBCASE("asked too late")
    {
        result("none", "cancelled", cancelled, 3);
        add(What::cancel, "none");
    }
    SUBCASE("because the daemon stopped")
    {
        result("none", "cancelled", {{"kind", "stopping"}}, 3);
    }
    check_one(judge(), "nobody had asked");
}

TEST_CASE_FIXTURE(History, "a cancel of everything explains what others lose")
{
    submit("before", "value");
    accept("before", 1);
    result("before", "cancelled", cancelled, 1);
    submit("after", "value");
    accept("after", 2);
    add(What::end, "");
    checker.client(false);
    add(What::session, "t");
    add(What::cancel_all, "r");
    add(What::end, "");
    checker.client(false);
    add(What::session, "u");
    add(What::wait, "w", {{"job", "2"}});
    result("after", "cancelled", cancelled, 2);
    submit("later", "value");
    accept("later", 3);
    result("later", "cancelled", cancelled, 3);
    add(What::refused, "w", {{"code", "not_found"}});
    check_one(judge(), "job before");
}

TEST_CASE_FIXTURE(History, "only options explain timeouts, expiries and halts")
{
    submit("t", "value", {{"timeout_ms", "5"}});
    submit("q", "value", {{"queue_timeout_ms", "5"}});
    submit("h", "value", {{"batch", "b"}, {"halt", "now,fail=1"}});
    submit("x", "value");
    for (int job = 1; job <= 4; ++job) {
        accept(std::string{"tqhx"[job - 1]}, job);
    }
    result("t", "timed_out", {{"kind", "timeout"}}, 1);
    result("q", "expired", {{"kind", "expired"}}, 2);
    result("h", "cancelled", {{"kind", "halted"}}, 3);
    result("x", "timed_out", {{"kind", "timeout"}}, 4);
    check_one(judge(), "job x");
}

TEST_CASE_FIXTURE(History, "an endless job ends well only if it was told to stop")
{
    submit("t", "endless", {{"timeout_ms", "5"}});
    submit("x", "endless");
    accept("t", 1);
    accept("x", 2);
    result("t", "succeeded", {}, 1);
    result("x", "succeeded", {}, 2);
    check_one(judge(), "job x");
}

TEST_CASE_FIXTURE(History, "there are no more attempts than were asked for")
{
    submit("a", "value", {{"retry_crash", "2"}});
    submit("b", "value", {{"retry_crash", "2"}});
    accept("a", 1);
    accept("b", 2);
    for (int i = 0; i < 5; ++i) {
        kill_worker();
    }
    result("a", "succeeded", {{"attempt", "3"}, {"kills", "2"}}, 1);
    result("b", "succeeded", {{"attempt", "4"}, {"kills", "3"}}, 2);
    check_one(judge(), "4 attempts of 3");
}

TEST_CASE_FIXTURE(History, "a job is not given up before its retries are used, unless it is poison")
{
    submit("early", "SIGSEGV", {{"retry_crash", "2"}});
    submit("poison", "SIGSEGV", {{"retry_crash", "2"}});
    accept("early", 1);
    accept("poison", 2);
    const Facts segv{{"kind", "signal"}, {"signal", "SIGSEGV"}, {"attempt", "2"}};
    result("early", "crashed", segv, 1);
    Facts poison = segv;
    poison.emplace_back("poison", "1");
    result("poison", "crashed", poison, 2);
    check_one(judge(), "given up after 2 attempts of 3");
}

TEST_CASE_FIXTURE(History, "a client that was killed may have heard anything or nothing")
{
    submit("mine", "value");
    accept("mine", 1);
    result("mine", "succeeded", {}, 1);
    add(What::end, "");
    checker.client(true);
    add(What::session, "t");
    submit("j", "value");
    submit("k", "value");
    accept("k");
    SUBCASE("by a kill")
    {
        CHECK(checker.judge().good());
    }
    SUBCASE("but not too much")
    {
        result("k", "succeeded");
        result("k", "succeeded");
        CHECK(checker.judge().doubled == 1);
    }
    SUBCASE("and one that lived has to tell the end of each session")
    {
        checker.client(false);
        add(What::session, "u");
        check_one(checker.judge(), "session u has no end");
    }
}

TEST_CASE_FIXTURE(History, "a session that was dropped on purpose may have heard nothing")
{
    submit("j", "value");
    accept("j");
    add(What::vanish, "");
    CHECK(checker.judge().good());
}

TEST_CASE_FIXTURE(History, "a detached job is read once by whoever waits for it")
{
    submit("j", "value", {{"detached", "1"}});
    accept("j");
    SUBCASE("once")
    {
        add(What::wait, "w", {{"job", "7"}});
        result("w", "succeeded");
        add(What::wait, "v", {{"job", "7"}});
        add(What::refused, "v", {{"code", "not_found"}});
        const Verdict verdict = judge();
        CHECK(verdict.good());
        CHECK(verdict.detached == 1);
    }
    SUBCASE("never")
    {
        CHECK(judge().lost == 1);
    }
    SUBCASE("twice")
    {
        add(What::wait, "w", {{"job", "7"}});
        result("w", "succeeded");
        add(What::wait, "v", {{"job", "7"}});
        result("v", "succeeded");
        CHECK(judge().doubled == 1);
    }
    SUBCASE("dropped unread")
    {
        add(What::wait, "w", {{"job", "7"}});
        add(What::refused, "w", {{"code", "gone"}});
        CHECK(judge().violations == 2);
    }
    SUBCASE("by its own session")
    {
        result("j", "succeeded");
        check_one(judge(), "its session has events");
    }
}

TEST_CASE("a detached job of a killed client is found by its label")
{
    HistoryChecker checker;
    const auto add = [&](What what, const std::string& id, Facts facts = {}) {
        checker.add({.at = 1, .what = what, .id = id, .facts = std::move(facts)});
    };
    checker.client(true);
    add(What::session, "s");
    add(What::submit, "j", {{"want", "any"}, {"detached", "1"}});
    checker.client(false);
    add(What::session, "t");
    add(What::found, "j", {{"job", "7"}});
    add(What::wait, "w", {{"job", "7"}});
    SUBCASE("and has an end")
    {
        add(What::result, "w", {{"job", "7"}, {"state", "succeeded"}});
        add(What::end, "");
        CHECK(checker.judge().good());
    }
    SUBCASE("and has none")
    {
        add(What::refused, "w", {{"code", "not_found"}});
        add(What::end, "");
        CHECK(checker.judge().lost == 1);
    }
}

TEST_CASE(
    "jobs that status tells the number of alone are no more than killed clients may have left")
{
    HistoryChecker checker;
    const auto add = [&](What what, const std::string& id, Facts facts = {}) {
        checker.add({.at = 1, .what = what, .id = id, .facts = std::move(facts)});
    };
    checker.client(true);
    add(What::session, "s");
    add(What::submit, "j", {{"want", "any"}, {"detached", "1"}});
    checker.client(false);
    add(What::session, "t");
    add(What::found, "", {{"job", "7"}});
    add(What::wait, "w", {{"job", "7"}});
    add(What::result, "w", {{"job", "7"}, {"state", "succeeded"}});
    SUBCASE("one")
    {
        add(What::end, "");
        CHECK(checker.judge().good());
    }
    SUBCASE("two")
    {
        add(What::found, "", {{"job", "8"}});
        add(What::end, "");
        check_one(checker.judge(), "only 1 can be");
    }
    SUBCASE("one that ends twice")
    {
        add(What::result, "w", {{"job", "7"}, {"state", "succeeded"}});
        add(What::end, "");
        check_one(checker.judge(), "2 terminal events");
    }
}

TEST_CASE("a reader who was killed may have taken the end with him")
{
    HistoryChecker checker;
    const auto add = [&](What what, const std::string& id, Facts facts = {}) {
        checker.add({.at = 1, .what = what, .id = id, .facts = std::move(facts)});
    };
    checker.client(true);
    add(What::session, "s");
    add(What::submit, "j", {{"want", "any"}, {"detached", "1"}});
    add(What::accepted, "j", {{"job", "7"}});
    add(What::wait, "v", {{"job", "7"}});
    checker.client(false);
    add(What::session, "t");
    add(What::wait, "w", {{"job", "7"}});
    add(What::refused, "w", {{"code", "not_found"}});
    add(What::end, "");
    const Verdict verdict = checker.judge();
    CHECK(verdict.good());
    CHECK(verdict.unread == 1);
}

TEST_CASE_FIXTURE(History, "refusals need a reason")
{
    submit("busy", "value");
    add(What::refused, "busy", {{"code", "busy"}});
    submit("down", "value");
    add(What::refused, "down", {{"code", "pool_down"}});
    submit("both", "value");
    accept("both");
    add(What::refused, "both", {{"code", "busy"}});
    const Verdict verdict = judge();
    CHECK(verdict.violations == 2);
    CHECK(verdict.refused == 3);
}

TEST_CASE_FIXTURE(History, "a session that breaks is a violation and so is one number for two jobs")
{
    submit("j", "value");
    accept("j", 5);
    result("j", "succeeded", {}, 5);
    submit("k", "value");
    accept("k", 5);
    result("k", "succeeded", {}, 5);
    add(What::broken, "", {{"text", "end of input"}});
    const Verdict verdict = judge();
    REQUIRE(verdict.violations == 2);
    CHECK(verdict.first.front().find("was given to job j before") != std::string::npos);
    CHECK(verdict.first.back().find("broke: end of input") != std::string::npos);
}

TEST_CASE("a record survives being written and a torn line is none")
{
    const Record record{.at = 12,
                        .what = What::result,
                        .id = "1-2.3.4",
                        .facts = {{"state", "failed"}, {"text", "two_words"}, {"empty", ""}}};
    const std::string line = to_line(record);
    CHECK(from_line(line) == record);
    CHECK_FALSE(from_line(line.substr(0, line.size() - 1)));
    CHECK_FALSE(from_line("12 nothing x\n"));
    CHECK(from_line(to_line({.at = 1, .what = What::end, .id = ""}))->id.empty());
    CHECK(from_line(to_line({.at = 1, .what = What::end, .id = "a b\n"}))->id == "a_b_");
}
