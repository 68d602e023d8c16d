// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "tests/chaos/history.hpp"
#include "tests/chaos/history_checker.hpp"

using namespace jobmill::chaos;

namespace {

/// What sessions tell, a step of the clock apart.
class History {
public:
    /// The session of a client that lives, or of one that was killed.
    void session(const std::string& id, bool killed = false)
    {
        checker.client(killed);
        add(What::session, id);
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
    /// Submitted and accepted.
    void begin(const std::string& id, const std::string& want, Facts more = {}, int job = 7)
    {
        submit(id, want, std::move(more));
        accept(id, job);
    }
    void begin(const std::string& id, const std::string& want, int job)
    {
        begin(id, want, {}, job);
    }
    void result(const std::string& id, const std::string& state, Facts more = {}, int job = 7)
    {
        more.insert(more.begin(), {{"job", std::to_string(job)}, {"state", state}});
        if (state == "succeeded") {
            more.emplace_back("digest", digest_of("right"));
        }
        add(What::result, id, std::move(more));
    }
    void wait(const std::string& id, int job = 7)
    {
        add(What::wait, id, {{"job", std::to_string(job)}});
    }
    void refuse(const std::string& id, const char* code)
    {
        add(What::refused, id, {{"code", code}});
    }
    void end() { add(What::end, ""); }
    void kill_worker() { checker.worker_killed(++now_); }
    /// The verdict, after the session's end.
    Verdict judge()
    {
        end();
        return checker.judge();
    }

    HistoryChecker checker;

private:
    std::int64_t now_ = 1000;
};

/// A session in which all is well, to which a case adds what is not.
class GoodSession : public History {
public:
    GoodSession() { session("s"); }
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

TEST_CASE_FIXTURE(GoodSession, "a job that ends once with the right result is good")
{
    begin("j", "value");
    add(What::started, "j");
    result("j", "succeeded");
    const Verdict verdict = judge();
    CHECK(verdict.good());
    CHECK(verdict.submitted == 1);
    CHECK(verdict.accepted == 1);
    CHECK(verdict.ended.at("succeeded") == 1);
}

TEST_CASE_FIXTURE(GoodSession, "an accepted job without an end is lost")
{
    begin("j", "value");
    const Verdict verdict = judge();
    check_one(verdict, "no terminal event");
    CHECK(verdict.lost == 1);
}

TEST_CASE_FIXTURE(GoodSession, "a submit that nobody answers is a violation")
{
    submit("j", "value");
    check_one(judge(), "never answered");
}

TEST_CASE_FIXTURE(GoodSession, "two terminal events are one too many")
{
    begin("j", "value");
    result("j", "succeeded");
    result("j", "succeeded");
    const Verdict verdict = judge();
    CHECK(verdict.doubled == 1);
    CHECK(verdict.violations == 2);  // and the second comes after the first
}

TEST_CASE_FIXTURE(GoodSession,
                  "nothing may come after the terminal event nor before the acceptance")
{
    begin("j", "value");
    result("j", "succeeded");
    add(What::chunk, "j");
    check_one(judge(), "after its terminal");
    GoodSession early;
    early.submit("j", "value");
    early.add(What::started, "j");
    early.accept("j");
    early.result("j", "succeeded");
    check_one(early.judge(), "before it was accepted");
}

TEST_CASE_FIXTURE(GoodSession, "a wrong result is told from a right one")
{
    begin("j", "value");
    add(What::result, "j", {{"job", "7"}, {"state", "succeeded"}, {"digest", digest_of("wrong")}});
    const Verdict verdict = judge();
    check_one(verdict, "instead of");
    CHECK(verdict.wrong == 1);
}

TEST_CASE_FIXTURE(GoodSession, "chunks that are missing are a wrong result")
{
    begin("j", "value", {{"chunks", digest_of("abc")}});
    result("j", "succeeded", {{"chunks", digest_of("ab")}});
    CHECK(judge().wrong == 1);
}

TEST_CASE_FIXTURE(GoodSession, "a job that has to fail or to crash cannot succeed")
{
    for (const char* const want : {"failure", "SIGSEGV", "exit", "endless"}) {
        CAPTURE(want);
        GoodSession history;
        history.begin("j", want);
        history.result("j", "succeeded");
        check_one(history.judge(), "succeeded");
    }
}

TEST_CASE_FIXTURE(GoodSession, "a crash is explained by its handler or by a kill before it")
{
    begin("own", "SIGSEGV", 1);
    result("own", "crashed", {{"kind", "signal"}, {"signal", "SIGSEGV"}}, 1);
    begin("killed", "value", 2);
    kill_worker();
    result("killed", "crashed", sigkill, 2);
    const Verdict verdict = judge();
    CHECK(verdict.good());
    CHECK(verdict.killed == 1);
}

TEST_CASE_FIXTURE(GoodSession, "a crash that nothing explains is a violation")
{
    kill_worker();
    begin("j", "value");
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

TEST_CASE_FIXTURE(GoodSession, "who writes nonsense may take along one that runs in its worker")
{
    const auto lost_in = [](const char* workers) {
        return Facts{{"kind", "lost"},
                     {"text", "its_worker_was_replaced:_it_wrote_nonsense:_a_message"},
                     {"workers", workers}};
    };
    begin("before", "value", 1);
    SUBCASE("in the same worker")
    {
        begin("vandal", "lost", 2);
        result("before", "crashed", lost_in("12,3,"), 1);
        result("vandal", "succeeded", {{"workers", "3,"}}, 2);
        CHECK(judge().good());
    }
    SUBCASE("instead of its own")
    {
        begin("vandal", "lost", 2);
        result("before", "crashed", lost_in("3,"), 1);
        result("vandal", "crashed", lost_in("3,"), 2);
        check_one(judge(), "2 jobs died of nonsense, and only 1");
    }
    SUBCASE("in another worker")
    {
        begin("vandal", "lost", 2);
        result("before", "crashed", lost_in("3,12,"), 1);
        result("vandal", "crashed", lost_in("3,4,2,"), 2);
        check_one(judge(), "nothing explains it");
    }
    SUBCASE("after its end")
    {
        result("before", "crashed", lost_in("3,"), 1);
        begin("vandal", "lost", 2);
        result("vandal", "crashed", lost_in("3,"), 2);
        check_one(judge(), "nothing explains it");
    }
    SUBCASE("before its beginning")
    {
        begin("vandal", "lost", 2);
        result("vandal", "crashed", lost_in("3,"), 2);
        begin("behind", "value", 3);
        result("behind", "crashed", lost_in("3,"), 3);
        result("before", "succeeded", {}, 1);
        check_one(judge(), "nothing explains it");
    }
}

TEST_CASE_FIXTURE(GoodSession, "a kill costs one job and no more")
{
    begin("a", "value", 1);
    begin("b", "value", 2);
    kill_worker();
    result("a", "crashed", sigkill, 1);
    result("b", "crashed", sigkill, 2);
    check_one(judge(), "that no other job lost");
}

TEST_CASE_FIXTURE(GoodSession, "kills are given to deaths so that as many as can be are explained")
{
    begin("long", "value", 1);
    begin("short", "value", 2);
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

TEST_CASE_FIXTURE(GoodSession, "a cancel explains what is cancelled after it and nothing else")
{
    begin("tag", "value", 1);
    begin("job", "value", 2);
    begin("none", "value", 3);
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

TEST_CASE_FIXTURE(GoodSession, "a cancel of everything explains what others lose")
{
    begin("before", "value", 1);
    result("before", "cancelled", cancelled, 1);
    begin("after", "value", 2);
    end();
    session("t");
    add(What::cancel_all, "r");
    end();
    session("u");
    wait("w", 2);
    result("after", "cancelled", cancelled, 2);
    begin("later", "value", 3);
    result("later", "cancelled", cancelled, 3);
    refuse("w", "not_found");
    check_one(judge(), "job before");
}

TEST_CASE_FIXTURE(GoodSession, "only options explain timeouts, expiries and halts")
{
    begin("t", "value", {{"timeout_ms", "5"}}, 1);
    begin("q", "value", {{"queue_timeout_ms", "5"}}, 2);
    begin("h", "value", {{"batch", "b"}, {"halt", "now,fail=1"}}, 3);
    begin("x", "value", 4);
    result("t", "timed_out", {{"kind", "timeout"}}, 1);
    result("q", "expired", {{"kind", "expired"}}, 2);
    result("h", "cancelled", {{"kind", "halted"}}, 3);
    result("x", "timed_out", {{"kind", "timeout"}}, 4);
    check_one(judge(), "job x");
}

TEST_CASE_FIXTURE(GoodSession, "an endless job ends well only if it was told to stop")
{
    begin("t", "endless", {{"timeout_ms", "5"}}, 1);
    begin("x", "endless", 2);
    result("t", "succeeded", {}, 1);
    result("x", "succeeded", {}, 2);
    check_one(judge(), "job x");
}

TEST_CASE_FIXTURE(GoodSession, "there are no more attempts than were asked for")
{
    begin("a", "value", {{"retry_crash", "2"}}, 1);
    begin("b", "value", {{"retry_crash", "2"}}, 2);
    for (int i = 0; i < 5; ++i) {
        kill_worker();
    }
    result("a", "succeeded", {{"attempt", "3"}, {"kills", "2"}}, 1);
    result("b", "succeeded", {{"attempt", "4"}, {"kills", "3"}}, 2);
    check_one(judge(), "4 attempts of 3");
}

TEST_CASE_FIXTURE(GoodSession,
                  "a job is not given up before its retries are used, unless it is poison")
{
    begin("early", "SIGSEGV", {{"retry_crash", "2"}}, 1);
    begin("poison", "SIGSEGV", {{"retry_crash", "2"}}, 2);
    const Facts segv{{"kind", "signal"}, {"signal", "SIGSEGV"}, {"attempt", "2"}};
    result("early", "crashed", segv, 1);
    Facts poison = segv;
    poison.emplace_back("poison", "1");
    result("poison", "crashed", poison, 2);
    check_one(judge(), "given up after 2 attempts of 3");
}

TEST_CASE_FIXTURE(GoodSession, "a client that was killed may have heard anything or nothing")
{
    begin("mine", "value", 1);
    result("mine", "succeeded", {}, 1);
    end();
    session("t", true);
    submit("j", "value");
    begin("k", "value");
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
        session("u");
        check_one(checker.judge(), "session u has no end");
    }
}

TEST_CASE_FIXTURE(GoodSession, "a session that was dropped on purpose may have heard nothing")
{
    begin("j", "value");
    add(What::vanish, "");
    CHECK(checker.judge().good());
}

TEST_CASE_FIXTURE(GoodSession, "a detached job is read once by whoever waits for it")
{
    begin("j", "value", {{"detached", "1"}});
    SUBCASE("once")
    {
        wait("w");
        result("w", "succeeded");
        wait("v");
        refuse("v", "not_found");
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
        wait("w");
        result("w", "succeeded");
        wait("v");
        result("v", "succeeded");
        CHECK(judge().doubled == 1);
    }
    SUBCASE("dropped unread")
    {
        wait("w");
        refuse("w", "gone");
        CHECK(judge().violations == 2);
    }
    SUBCASE("by its own session")
    {
        result("j", "succeeded");
        check_one(judge(), "its session has events");
    }
}

TEST_CASE_FIXTURE(History, "a detached job of a killed client is found by its label")
{
    session("s", true);
    submit("j", "any", {{"detached", "1"}});
    session("t");
    add(What::found, "j", {{"job", "7"}});
    wait("w");
    SUBCASE("and has an end")
    {
        result("w", "succeeded");
        CHECK(judge().good());
    }
    SUBCASE("and has none")
    {
        refuse("w", "not_found");
        CHECK(judge().lost == 1);
    }
}

TEST_CASE_FIXTURE(
    History,
    "jobs that status tells the number of alone are no more than killed clients may have left")
{
    session("s", true);
    submit("j", "any", {{"detached", "1"}});
    session("t");
    add(What::found, "", {{"job", "7"}});
    wait("w");
    result("w", "succeeded");
    SUBCASE("one")
    {
        CHECK(judge().good());
    }
    SUBCASE("two")
    {
        add(What::found, "", {{"job", "8"}});
        check_one(judge(), "only 1 can be");
    }
    SUBCASE("one that ends twice")
    {
        result("w", "succeeded");
        check_one(judge(), "2 terminal events");
    }
}

TEST_CASE_FIXTURE(History, "a reader who was killed may have taken the end with him")
{
    session("s", true);
    submit("j", "any", {{"detached", "1"}});
    accept("j");
    wait("v");
    session("t");
    wait("w");
    refuse("w", "not_found");
    const Verdict verdict = judge();
    CHECK(verdict.good());
    CHECK(verdict.unread == 1);
}

TEST_CASE_FIXTURE(GoodSession, "refusals need a reason")
{
    submit("busy", "value");
    refuse("busy", "busy");
    submit("down", "value");
    refuse("down", "pool_down");
    begin("both", "value");
    refuse("both", "busy");
    const Verdict verdict = judge();
    CHECK(verdict.violations == 2);
    CHECK(verdict.refused == 3);
}

TEST_CASE_FIXTURE(GoodSession,
                  "a session that breaks is a violation and so is one number for two jobs")
{
    begin("j", "value", 5);
    result("j", "succeeded", {}, 5);
    begin("k", "value", 5);
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
