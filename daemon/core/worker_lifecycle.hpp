// SPDX-License-Identifier: MIT
// The process in a worker slot, from the request to fork it to the slot's being empty again.
//
//   gone         no process. The slot waits for its respawn time or for its template.
//   forking      the template was asked; the process may or may not exist yet. Nothing can stop
//                it, because nobody knows whom: the edge promises an answer.
//   starting     forked; its hello is awaited. May be dismissed or killed; is killed when its hello
//                does not come.
//   idle         ready and holds no job. May be dismissed or killed; where the pool may shrink, it
//                is dismissed when it was idle for long.
//   busy         holds at least one job and takes more, up to its depth. A dismissal waits until it
//                is idle; a cancel of the job that it runs makes it cancelling.
//   cancelling   the job that it runs was cancelled, or its time is over: the flag is up, the jobs
//                behind are called back and none is offered. If the word comes before patience
//                ends, it serves on. Patience is short with a job that never looks at the flag.
//   terminating  SIGTERM was sent, which may kill it at any moment, so it is never offered a job
//                again: when it holds none, it is dismissed.
//   dismissed    its link is closed; it leaves by itself, or is killed when patience ends.
//   killed       SIGKILL was sent. Only its exit is awaited, but what it said before still counts.
//   condemned    it did not die of SIGKILL: the kernel holds it. Its jobs are judged as if it were
//                dead and its words count no more; another slot was opened. Its exit may come yet.
//   reaped       dead, and it held jobs: they were called back, and the answers say which had
//                begun. The slot is refilled after the last answer.
//
// Deliberately impossible: to offer a job to anything but idle and busy; to leave terminating,
// dismissed or killed for a state that works; to kill twice; to reuse a generation.
#pragma once

#include "daemon/core/lifecycle.hpp"

namespace jobmill::core {

enum class WorkerState : std::uint8_t {
    gone,
    forking,
    starting,
    idle,
    busy,
    cancelling,
    terminating,
    dismissed,
    killed,
    condemned,
    reaped,
};
inline constexpr std::size_t worker_state_count = 11;

enum class WorkerWord : std::uint8_t {
    fork,         ///< the slot is to be filled
    forked,       ///< the template told of the process
    fork_failed,  ///< no process came of it
    ready,        ///< its hello
    offered,      ///< it holds a job now
    emptied,      ///< it holds no job any more
    cancel,       ///< the job that it runs was cancelled
    deaf,         ///< the job that it runs has never looked at its flag
    relieved,     ///< the cancelled job is over; it holds others
    dismiss,      ///< it is not needed any more, but may finish
    evict,        ///< it may not finish
    kill,         ///< it misbehaved, or there is no time left
    deadline,     ///< its patience has ended
    exited,       ///< it was reaped
};
inline constexpr std::size_t worker_word_count = 14;

enum class WorkerAction : std::uint8_t {
    none,
    ask,         ///< ForkWorker, under the next generation
    await,       ///< the hello, until Patience::start
    welcome,     ///< forget failed starts; as rest
    rest,        ///< wait for work, where the pool may shrink not for ever
    raise_flag,  ///< call back what it has not begun, raise the flag, wait Patience::cancel
    hurry,       ///< wait Patience::deaf
    terminate,   ///< TerminateWorker, wait Patience::terminate
    let_go,      ///< DismissWorker, wait Patience::dismiss
    kill,        ///< KillWorker, wait Patience::reap
    condemn,     ///< CondemnWorker, open another slot, find out which of its jobs had begun
    judge,       ///< find out which of its jobs had begun
    vacate,      ///< refill the slot: at once, or later when it was never ready
};

using WorkerRow = Transition<WorkerState, WorkerWord, WorkerAction>;

// clang-format off
inline constexpr auto worker_rows = [] {
    using S = WorkerState; using W = WorkerWord; using A = WorkerAction;
    return std::to_array<WorkerRow>({
        // from          on              to              act
        {S::gone,        W::fork,        S::forking,     A::ask},
        {S::forking,     W::forked,      S::starting,    A::await},
        {S::forking,     W::ready,       S::idle,        A::welcome},
        {S::forking,     W::fork_failed, S::gone,        A::vacate},
        {S::forking,     W::exited,      S::gone,        A::vacate},
        {S::starting,    W::ready,       S::idle,        A::welcome},
        {S::starting,    W::dismiss,     S::dismissed,   A::let_go},
        {S::starting,    W::kill,        S::killed,      A::kill},
        {S::starting,    W::deadline,    S::killed,      A::kill},
        {S::starting,    W::exited,      S::gone,        A::vacate},
        {S::idle,        W::offered,     S::busy,        A::none},
        {S::idle,        W::dismiss,     S::dismissed,   A::let_go},
        {S::idle,        W::deadline,    S::dismissed,   A::let_go},
        {S::idle,        W::kill,        S::killed,      A::kill},
        {S::idle,        W::exited,      S::gone,        A::vacate},
        {S::busy,        W::emptied,     S::idle,        A::rest},
        {S::busy,        W::cancel,      S::cancelling,  A::raise_flag},
        {S::busy,        W::evict,       S::terminating, A::terminate},
        {S::busy,        W::kill,        S::killed,      A::kill},
        {S::busy,        W::exited,      S::reaped,      A::judge},
        {S::cancelling,  W::cancel,      S::cancelling,  A::raise_flag},
        {S::cancelling,  W::deaf,        S::cancelling,  A::hurry},
        {S::cancelling,  W::relieved,    S::busy,        A::none},
        {S::cancelling,  W::emptied,     S::idle,        A::rest},
        {S::cancelling,  W::evict,       S::terminating, A::terminate},
        {S::cancelling,  W::kill,        S::killed,      A::kill},
        {S::cancelling,  W::deadline,    S::terminating, A::terminate},
        {S::cancelling,  W::exited,      S::reaped,      A::judge},
        {S::terminating, W::emptied,     S::dismissed,   A::let_go},
        {S::terminating, W::kill,        S::killed,      A::kill},
        {S::terminating, W::deadline,    S::killed,      A::kill},
        {S::terminating, W::exited,      S::reaped,      A::judge},
        {S::dismissed,   W::kill,        S::killed,      A::kill},
        {S::dismissed,   W::deadline,    S::killed,      A::kill},
        {S::dismissed,   W::exited,      S::gone,        A::vacate},
        {S::killed,      W::deadline,    S::condemned,   A::condemn},
        {S::killed,      W::exited,      S::reaped,      A::judge},
        {S::condemned,   W::exited,      S::reaped,      A::judge},
        {S::reaped,      W::emptied,     S::gone,        A::vacate},
    });
}();
// clang-format on

inline constexpr auto worker_index = index_of<worker_state_count, worker_word_count>(worker_rows);

/// The row for that word in that state, or none: the word changes nothing there.
[[nodiscard]] constexpr FoundRow<worker_rows> row_of(WorkerState from, WorkerWord on) noexcept
{
    return FoundRow<worker_rows>{
        worker_index.at(static_cast<std::size_t>(from)).at(static_cast<std::size_t>(on))};
}

/// Whether a job may be offered.
[[nodiscard]] constexpr bool takes_jobs(WorkerState state) noexcept
{
    return state == WorkerState::idle || state == WorkerState::busy;
}

/// Whether it has said hello and nobody has told it to leave.
[[nodiscard]] constexpr bool serves(WorkerState state) noexcept
{
    return takes_jobs(state) || state == WorkerState::cancelling;
}

/// Whether what it says is heard.
[[nodiscard]] constexpr bool speaks(WorkerState state) noexcept
{
    return state != WorkerState::gone && state != WorkerState::reaped &&
           state != WorkerState::condemned;
}

/// Whether there is, or may be, a process that has not been reaped.
[[nodiscard]] constexpr bool lives(WorkerState state) noexcept
{
    return state != WorkerState::gone && state != WorkerState::reaped;
}

/// Whether its process is not on its way out.
[[nodiscard]] constexpr bool may_stay(WorkerState state) noexcept
{
    return serves(state) || state == WorkerState::forking || state == WorkerState::starting;
}

namespace worker_rules {

consteval bool every_life_can_end()
{
    for (std::size_t i = 0; i < worker_state_count; ++i) {
        const auto state = static_cast<WorkerState>(i);
        const auto row = row_of(state, WorkerWord::exited);
        if (lives(state) != row.has_value() || (row && lives(row->to))) {
            return false;
        }
    }
    return true;
}

/// A state that waits for a process, and could wait for ever, has a deadline.
consteval bool waiting_ends()
{
    using A = WorkerAction;
    for (const WorkerRow& row : worker_rows) {
        const bool waits = row.act == A::await || row.act == A::welcome || row.act == A::rest ||
                           row.act == A::raise_flag || row.act == A::hurry ||
                           row.act == A::terminate || row.act == A::let_go || row.act == A::kill;
        if (waits != row_of(row.to, WorkerWord::deadline).has_value()) {
            return false;
        }
    }
    return true;
}

/// Every process that can be named can be killed, once.
consteval bool kills_reach_everyone_once()
{
    for (std::size_t i = 0; i < worker_state_count; ++i) {
        const auto state = static_cast<WorkerState>(i);
        const auto row = row_of(state, WorkerWord::kill);
        const bool killable =
            speaks(state) && state != WorkerState::forking && state != WorkerState::killed;
        if (killable != (row && row->to == WorkerState::killed)) {
            return false;
        }
    }
    return true;
}

/// Who was told to leave never works again.
consteval bool leaving_is_final()
{
    for (const WorkerRow& row : worker_rows) {
        const bool leaving = row.from == WorkerState::terminating ||
                             row.from == WorkerState::dismissed ||
                             row.from == WorkerState::killed || row.from == WorkerState::condemned;
        if (leaving && serves(row.to)) {
            return false;
        }
    }
    return true;
}

}  // namespace worker_rules

static_assert(unambiguous(worker_rows));
static_assert(worker_rules::every_life_can_end());
static_assert(worker_rules::waiting_ends());
static_assert(worker_rules::kills_reach_everyone_once());
static_assert(worker_rules::leaving_is_final());

}  // namespace jobmill::core
