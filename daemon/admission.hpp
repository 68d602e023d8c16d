// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <tsl/robin_map.h>

#include "common/codec.hpp"
#include "common/limits.hpp"
#include "daemon/job_record.hpp"
#include "jobmill/job_options.hpp"

namespace jobmill::daemon {

/// Jobs, the bytes of their payloads and arguments and of what is remembered of their attempts, and
/// how many payloads are in a blob of their own.
struct JobLoad {
    std::uint64_t jobs = 0;
    std::uint64_t bytes = 0;
    std::uint64_t blobs = 0;
};

[[nodiscard]] inline JobLoad load_of(const Submission& submission)
{
    const JobContent& content = submission.content;
    const std::uint64_t jobs = submission.is_put ? 0 : 1;
    const std::uint64_t beside =
        content.args().size() + (submission.ask ? memory_of(submission.ask->attempts) : 0);
    if (content.is_shared()) {
        return {.jobs = jobs, .bytes = beside};  // its payload, where it was put
    }
    return {.jobs = jobs,
            .bytes = content.payload_size() + beside,
            .blobs = content.blob() ? std::uint64_t{1} : std::uint64_t{0}};
}

/// How much room for jobs there is, and who has taken it: in all, each user, each session. Judges
/// what is to come and counts what has come. A payload that is announced and on its way in pieces
/// counts whole from the first on, so that nobody gathers more than he may by not finishing.
class Admission {
public:
    struct Limits {
        std::uint64_t payload = limits::payload;  ///< of one job
        std::uint64_t jobs = 1'000'000;
        std::uint64_t bytes = std::uint64_t{8} << 30U;
        std::uint64_t jobs_per_user = unlimited;
        std::uint64_t bytes_per_user = unlimited;
        std::uint64_t blobs_per_user = unlimited;  ///< each takes a descriptor
        /// Detached ones as well. A session's bytes have no bound of their own: its credit bounds
        /// those of attached jobs, its user's bound the others.
        std::uint64_t jobs_per_session = unlimited;
    };

    explicit Admission(const Limits& limits) : limits_(limits) {}
    void set_limits(const Limits& limits) { limits_ = limits; }

    [[nodiscard]] std::uint64_t largest() const noexcept { return limits_.payload; }
    /// Whether one payload may have that size.
    [[nodiscard]] tl::expected<void, ErrorReply> judge_size(std::uint64_t size) const;
    /// Whether there is room for these as well. The refusal names the limit that says no.
    [[nodiscard]] tl::expected<void, ErrorReply> judge(const Submitter& client,
                                                       const JobLoad& more) const;
    /// Whether those of that load may all come, one after the other: none needs to be judged then.
    [[nodiscard]] bool has_room(const Submitter& client, const JobLoad& all) const;
    void enter(const Submitter& client, const JobLoad& load);
    void leave(const Submitter& client, const JobLoad& load);

    /// Room that is taken as long as this lives.
    class Place {
    public:
        Place() = default;
        Place(Admission& admission, const Submitter& client, const JobLoad& load);
        Place(Place&& other) noexcept;
        Place& operator=(Place&& other) noexcept;
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place();

    private:
        Admission* admission_ = nullptr;
        Submitter client_;
        JobLoad load_;
    };

    [[nodiscard]] const JobLoad& all() const noexcept { return all_; }
    /// Until the next one enters or leaves.
    [[nodiscard]] const JobLoad& of(unsigned uid) const;
    [[nodiscard]] const JobLoad& of(SessionId session) const;

private:
    Limits limits_;
    JobLoad all_;
    tsl::robin_map<unsigned, JobLoad> users_;      ///< that have any
    tsl::robin_map<SessionId, JobLoad> sessions_;  ///< that any came from
};

}  // namespace jobmill::daemon
