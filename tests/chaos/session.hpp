// SPDX-License-Identifier: MIT
// One session with the daemon in either spelling, with texts for names in both.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jobmill/value.hpp"
#include "tests/chaos/random_job.hpp"

namespace jobmill::chaos {

/// What the daemon said, in the words of a history.
struct Heard {
    What what = What::broken;  ///< accepted, refused, started, retrying, chunk, result, end, broken
    std::string id;
    std::uint64_t job = 0;
    std::string code;  ///< refused
    std::string text;  ///< why; or a cause's
    std::string payload;

    // Of a result.
    std::string state;
    std::string kind;
    std::string signal;
    std::uint64_t attempt = 1;
    std::uint64_t kills = 0;  ///< attempts before that died of SIGKILL
    bool poison = false;
    std::string workers;  ///< the slots of its attempts: "3,17,"
    Value status{};
};

/// Throws when the session is not what it should be.
class Session {
public:
    Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    virtual ~Session() = default;

    /// The job's id is its label, too.
    virtual void submit(const std::string& id, const RandomJob& job) = 0;
    virtual void cancel(const std::string& id) = 0;
    virtual void cancel_job(const std::string& request, std::uint64_t job) = 0;
    virtual void cancel_all(const std::string& request) = 0;
    virtual void wait(const std::string& id, std::uint64_t job) = 0;
    virtual void half_close() = 0;
    /// Dropped as it is, in the middle of a message if the spelling lends itself to it.
    virtual void vanish() = 0;
    /// None when nothing came in that time. What means nothing to a history is left out.
    virtual std::optional<Heard> next(std::chrono::milliseconds time) = 0;
};

[[nodiscard]] std::unique_ptr<Session> library_session(const std::string& socket);

}  // namespace jobmill::chaos
