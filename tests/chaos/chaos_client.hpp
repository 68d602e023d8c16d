// SPDX-License-Identifier: MIT
// One client process: session after session of jobs at random until its time is over, with a
// history of everything. May be stopped or killed at any moment.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/chaos/json_session.hpp"

namespace jobmill::chaos {

struct ClientOptions {
    std::string socket;
    std::string directory;  ///< of the histories
    unsigned seat = 0;      ///< a number that successive processes have, one after another
    unsigned generation = 0;
    std::uint64_t seed = 1;
    std::int64_t deadline = 0;  ///< CLOCK_MONOTONIC in ns: no job is submitted later
    OpenGates gates = 0;
};

[[nodiscard]] std::string history_path(const std::string& directory, unsigned seat,
                                       unsigned generation);

/// The detached jobs in a history whose end nobody has read in it yet.
[[nodiscard]] std::vector<std::uint64_t> unread_jobs(const std::vector<std::string>& histories);

class ChaosClient {
public:
    explicit ChaosClient(const ClientOptions& options);

    void run();

private:
    /// A job, or a wait, whose last event has not come.
    struct Open {
        bool wait = false;
        bool accepted = false;
        bool detached = false;
        bool endless = false;
        std::string group{};  ///< the first job of the submit_many that it was in
        std::uint64_t number = 0;
        std::int64_t cancel_at = 0;  ///< 0: it is left alone
        Digest chunks{};
    };

    void run_session();
    void converse();
    void finish_session();
    void submit_some();
    void submit_one();
    void submit_many();
    void choose_batch(RandomJob& job);
    void note_submit(const std::string& id, const RandomJob& job);
    void cancel_some();
    void cancel(const std::string& id, Open& job);
    void wait_for_some();
    void listen(std::chrono::milliseconds time);
    void hear(Heard heard);
    void hear_refusal(const Heard& heard);
    [[nodiscard]] std::string new_id();
    [[nodiscard]] bool time_is_over() const;

    ClientOptions options_;
    Dice dice_;
    HistoryWriter history_;
    unsigned sessions_ = 0;
    unsigned ids_ = 0;
    std::string session_id_;
    std::unique_ptr<Session> session_;
    JsonSession* json_ = nullptr;  ///< the session, if it is of that kind
    bool over_ = false;
    std::unordered_map<std::string, Open> open_;
    std::deque<std::uint64_t> owed_;  ///< detached jobs to wait for
};

}  // namespace jobmill::chaos
