// SPDX-License-Identifier: MIT
#include "tests/chaos/history_checker.hpp"

#include <algorithm>

#include "jobmill/error_code.hpp"

namespace jobmill::chaos {
namespace {

constexpr std::size_t most_explained = 20;
/// So long a job may live of whose end nobody heard.
constexpr std::int64_t unheard_life = 10'000'000'000;

std::uint64_t most_attempts(const JobLife& job)
{
    return 1 + job.submit.number("retry_crash") + job.submit.number("retry_timeout") +
           job.submit.number("retry_failure");
}

bool ran_in(const Ending& ending, std::string_view worker)
{
    return (',' + ending.workers).find(',' + std::string{worker} + ',') != std::string::npos;
}

/// The slot of the last attempt.
std::string_view last_worker(const Ending& ending)
{
    const std::string_view all = ending.workers;
    const std::string_view before =
        all.substr(0, all.size() - std::min<std::size_t>(1, all.size()));
    return before.substr(before.rfind(',') + 1);
}

/// Whether that job may have written nonsense in that worker while another job lived.
bool may_have_broken(const JobLife& vandal, std::string_view worker, std::int64_t from,
                     std::int64_t to)
{
    if (vandal.want() != "lost" || vandal.submit.at > to) {
        return false;
    }
    if (vandal.endings.empty()) {
        return vandal.submit.at + unheard_life >= from;
    }
    const Ending& end = vandal.endings.front();
    return ran_in(end, worker) && end.at >= from;
}

}  // namespace

void HistoryChecker::accuse(const std::string& what)
{
    ++verdict_.violations;
    if (verdict_.first.size() < most_explained) {
        verdict_.first.push_back(what);
    }
}

void HistoryChecker::accuse(const JobLife& job, const std::string& what)
{
    accuse(name_of(job) + ": " + what);
}

Verdict HistoryChecker::judge()
{
    book_.settle_waits();
    for (const std::string& fault : book_.faults()) {
        accuse(fault);
    }
    judge_sessions();
    judge_orphans();
    for (const JobLife& job : book_.jobs()) {
        judge_job(job);
    }
    for (const std::size_t job : kills_.unexplained()) {
        accuse(book_.jobs()[job],
               "it died of SIGKILL and no worker had been killed that no other job lost");
    }
    if (nonsense_.deaths > nonsense_.attempts) {
        accuse(std::to_string(nonsense_.deaths) + " jobs died of nonsense, and only " +
               std::to_string(nonsense_.attempts) + " may have written any");
    }
    verdict_.killed = kills_.deaths();
    return verdict_;
}

void HistoryChecker::judge_sessions()
{
    for (const SessionLife& session : book_.sessions()) {
        if (!session.fault.empty()) {
            accuse("session " + session.id + " broke: " + session.fault);
        } else if (!session.ended && !session.vanished && !session.killed) {
            accuse("session " + session.id + " has no end");
        }
    }
}

/// Each is of a client that did not live to hear its number.
void HistoryChecker::judge_orphans()
{
    const auto unheard =
        std::count_if(book_.jobs().begin(), book_.jobs().end(), [&](const JobLife& job) {
            return job.is("detached") && !job.known() && !book_.sessions()[job.session].ended;
        });
    if (book_.orphans() > static_cast<std::size_t>(unheard)) {
        accuse("status lists " + std::to_string(book_.orphans()) +
               " jobs that nobody knows, and only " + std::to_string(unheard) +
               " can be of clients that are gone");
    }
    verdict_.unread += book_.orphans();
}

void HistoryChecker::judge_job(const JobLife& job)
{
    ++verdict_.submitted;
    verdict_.accepted += job.accepted > 0 ? 1U : 0U;
    if (!job.refused.empty()) {
        judge_refusal(job);
        return;
    }
    judge_count(job);
    judge_order(job);
    if (job.want() == "lost") {
        nonsense_.attempts +=
            job.endings.empty() ? most_attempts(job) : job.endings.front().attempt;
    }
    for (const Ending& ending : job.endings) {
        judge_ending(job, ending);
    }
}

void HistoryChecker::judge_refusal(const JobLife& job)
{
    ++verdict_.refused;
    const std::string& code = job.refused;
    if (job.accepted > 0 || !job.endings.empty()) {
        accuse(job, "it was refused (" + code + ") and has other events, too");
    }
    const bool halted = code == "halted" && !job.submit.text("batch").empty();
    const bool down = code == error_code::pool_down &&
                      any_between(template_kills_, job.refused_at - slack, job.refused_at);
    const bool withdrawn = code == error_code::not_found && job.cancel != 0;
    if (code != error_code::busy && !halted && !down && !withdrawn) {
        accuse(job, "it was refused: " + code);
    }
}

/// How often it ended, beside how often it has to.
void HistoryChecker::judge_count(const JobLife& job)
{
    const bool whole = book_.sessions()[job.session].ended;
    if (job.accepted > 1) {
        accuse(job, "it was accepted " + std::to_string(job.accepted) + " times");
    }
    if (!job.known() && whole) {
        accuse(job, "it was never answered");
    }
    if (job.endings.size() > 1) {
        ++verdict_.doubled;
        accuse(job, "it has " + std::to_string(job.endings.size()) + " terminal events");
    }
    const bool heard = job.is("detached") ? !job.lost_wait : whole;
    if (job.known() && heard && job.endings.empty()) {
        ++verdict_.lost;
        accuse(job, "it was accepted and has no terminal event");
    }
    verdict_.unread += job.known() && job.endings.empty() ? 1U : 0U;
}

void HistoryChecker::judge_order(const JobLife& job)
{
    if (job.early > 0) {
        accuse(job, "it has events before it was accepted");
    }
    if (job.late > 0) {
        accuse(job, "it has events after its terminal one");
    }
    if (job.is("detached") && job.own_events) {
        accuse(job, "it is detached and its session has events of it");
    }
}

void HistoryChecker::judge_ending(const JobLife& job, const Ending& ending)
{
    ++verdict_.ended[ending.state];
    verdict_.detached += job.is("detached") ? 1U : 0U;
    verdict_.retried += ending.attempt > 1 ? 1U : 0U;
    for (std::uint64_t i = 0; i < ending.kills; ++i) {
        blame_kill(job, ending);
    }
    if (const auto fault = fault_of(job, ending)) {
        accuse(job, *fault);
    }
    const std::uint64_t crashes = job.submit.number("retry_crash");
    const std::uint64_t most = most_attempts(job);
    if (ending.attempt > most) {
        accuse(job,
               "it had " + std::to_string(ending.attempt) + " attempts of " + std::to_string(most));
    }
    if (ending.state == "crashed" && ending.attempt < 1 + crashes && !ending.poison) {
        accuse(job, "it was given up after " + std::to_string(ending.attempt) + " attempts of " +
                        std::to_string(1 + crashes));
    }
}

std::optional<std::string> HistoryChecker::fault_of(const JobLife& job, const Ending& ending)
{
    const std::string& state = ending.state;
    if (state == "succeeded") {
        return fault_of_success(job, ending);
    }
    if (state == "crashed") {
        return fault_of_crash(job, ending);
    }
    if (state == "cancelled") {
        const bool halted = ending.kind == "halted" && book_.may_halt(job);
        if (halted || (ending.kind == "cancel" && book_.cancel_asked(job, ending.at))) {
            return {};
        }
        return "it was cancelled (" + ending.kind + ") and nobody had asked";
    }
    const bool explained =
        (state == "failed" && job.want() == "failure") ||
        (state == "timed_out" && ending.kind == "timeout" && job.is("timeout_ms")) ||
        (state == "expired" && job.is("queue_timeout_ms"));
    if (explained) {
        return {};
    }
    return "it ended as " + state + " (" + ending.kind + ' ' + ending.text + ") instead of " +
           std::string{job.want()};
}

std::optional<std::string> HistoryChecker::fault_of_success(const JobLife& job,
                                                            const Ending& ending)
{
    const std::string_view want = job.want();
    // Who heeds the flag that a cancel, a timeout or a halt has raised may end well.
    const bool flagged =
        book_.cancel_asked(job, ending.at) || job.is("timeout_ms") || book_.may_halt(job);
    // So may who wrote nonsense and was done before anybody read it.
    if (want == "any" || want == "lost" || (want == "endless" && flagged)) {
        return {};
    }
    if (want != "value") {
        ++verdict_.wrong;
        return "it succeeded, which it cannot";
    }
    if (job.submit.text("digest") != ending.digest) {
        ++verdict_.wrong;
        return "its result is " + ending.digest + " instead of " +
               std::string{job.submit.text("digest")};
    }
    // A reader who died may have had some of them; those of an attempt that died stay.
    const bool complete = !job.lost_wait && job.waits <= 1 && ending.attempt == 1;
    const std::string_view chunks = job.submit.text("chunks");
    if (complete && !chunks.empty() && chunks != ending.chunks) {
        ++verdict_.wrong;
        return "its chunks are " + ending.chunks + " instead of " + std::string{chunks};
    }
    return {};
}

std::optional<std::string> HistoryChecker::fault_of_crash(const JobLife& job, const Ending& ending)
{
    const std::string_view want = job.want();
    const bool replaced = ending.kind == "lost" && (want == "lost" || taken_along(job, ending));
    nonsense_.deaths += replaced ? 1U : 0U;
    const bool own = (ending.kind == "signal" && ending.signal == want) ||
                     (ending.kind == "exit" && want == "exit");
    if (own || replaced) {
        return {};
    }
    if (ending.kind == "signal" && ending.signal == "SIGKILL") {
        blame_kill(job, ending);
        return {};
    }
    return "it crashed (" + ending.kind + ' ' + ending.signal + ' ' + ending.text +
           ") and nothing explains it";
}

/// A worker that wrote nonsense takes along what it runs when it is killed for it, whoever's it is.
bool HistoryChecker::taken_along(const JobLife& job, const Ending& ending) const
{
    const std::string_view worker = last_worker(ending);
    return ending.text.find("nonsense") != std::string::npos &&
           std::any_of(book_.jobs().begin(), book_.jobs().end(), [&](const JobLife& other) {
               return may_have_broken(other, worker, job.submit.at, ending.at);
           });
}

void HistoryChecker::blame_kill(const JobLife& job, const Ending& ending)
{
    // Those that kill themselves are not told from those that were killed before they could.
    if (job.want() != "SIGKILL") {
        kills_.add_death(static_cast<std::size_t>(&job - book_.jobs().data()), job.submit.at,
                         ending.at);
    }
}

}  // namespace jobmill::chaos
