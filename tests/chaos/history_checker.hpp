// SPDX-License-Identifier: MIT
// Judges the histories of all clients together with what was done to the daemon's children. What
// went in must come out: each accepted job ends exactly once, as it should or for a reason that
// the histories know. Pure: records in, a verdict out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/chaos/history_book.hpp"
#include "tests/chaos/kill_ledger.hpp"

namespace jobmill::chaos {

/// Facts of a submit that the checker judges by. `want` says how the job has to end when nobody
/// disturbs it:
///   value    succeeds, with the result of that `digest`, and chunks of digest `chunks` if told
///   any      succeeds with whatever
///   failure  fails
///   SIGxxx   crashes, its worker dying of that signal
///   exit     crashes, its worker leaving
///   lost     crashes, its worker replaced; or is done before that
///   endless  runs until it is cancelled
/// Others: detached, timeout_ms, queue_timeout_ms, retry_crash, retry_timeout, retry_failure,
/// batch, halt.
struct Verdict {
    std::uint64_t submitted = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
    std::uint64_t unread = 0;                    ///< ended unheard: their client was gone
    std::map<std::string, std::uint64_t> ended;  ///< by state
    std::uint64_t detached = 0;                  ///< of those that ended: read by a wait
    std::uint64_t retried = 0;                   ///< of those that ended: not in the first attempt
    std::uint64_t killed = 0;                    ///< attempts that a SIGKILL from outside took
    std::uint64_t lost = 0;                      ///< accepted, and no terminal event
    std::uint64_t doubled = 0;                   ///< more than one
    std::uint64_t wrong = 0;                     ///< a result that is not the right one
    std::uint64_t violations = 0;                ///< all of them, those included
    std::vector<std::string> first;              ///< the first of them, explained

    [[nodiscard]] bool good() const noexcept { return violations == 0; }
};

class HistoryChecker {
public:
    /// The records that follow are of one client. One that was killed may stop anywhere.
    void client(bool killed) { book_.client(killed); }
    void add(const Record& record) { book_.add(record); }

    /// A worker was sent SIGKILL, not before that time.
    void worker_killed(std::int64_t at) { kills_.add_kill(at); }
    void template_killed(std::int64_t at) { template_kills_.push_back(at); }

    /// After the last.
    [[nodiscard]] Verdict judge();

private:
    void judge_sessions();
    void judge_orphans();
    void judge_job(const JobLife& job);
    void judge_refusal(const JobLife& job);
    void judge_count(const JobLife& job);
    void judge_order(const JobLife& job);
    void judge_ending(const JobLife& job, const Ending& ending);

    /// What is wrong with it, if anything is.
    [[nodiscard]] std::optional<std::string> fault_of(const JobLife& job, const Ending& ending);
    [[nodiscard]] std::optional<std::string> fault_of_success(const JobLife& job,
                                                              const Ending& ending);
    [[nodiscard]] std::optional<std::string> fault_of_crash(const JobLife& job,
                                                            const Ending& ending);
    [[nodiscard]] bool taken_along(const JobLife& job, const Ending& ending) const;
    void blame_kill(const JobLife& job, const Ending& ending);
    void accuse(const JobLife& job, const std::string& what);
    void accuse(const std::string& what);

    struct Nonsense {
        std::uint64_t attempts = 0;  ///< that may have written it
        std::uint64_t deaths = 0;    ///< of jobs with their workers; each kills one at most
    };

    HistoryBook book_;
    KillLedger kills_;
    std::vector<std::int64_t> template_kills_;
    Nonsense nonsense_;
    Verdict verdict_;
};

}  // namespace jobmill::chaos
