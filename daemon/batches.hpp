// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/codec.hpp"
#include "daemon/core/dispatcher.hpp"
#include "jobmill/ids.hpp"

namespace jobmill::daemon {

class Batches;

/// What a submit that is not accepted yet holds of its batch. It leaves nothing behind when it is
/// given up: a batch that was made for it is gone with it.
class BatchSeat {
public:
    BatchSeat() = default;
    BatchSeat(Batches& batches, core::BatchId batch) : holds_(&batches), batch_(batch) {}
    BatchSeat(BatchSeat&& other) noexcept
        : holds_(std::exchange(other.holds_, nullptr)), batch_(std::exchange(other.batch_, {}))
    {
    }
    BatchSeat& operator=(BatchSeat&& other) noexcept
    {
        std::swap(holds_, other.holds_);
        std::swap(batch_, other.batch_);
        return *this;
    }
    BatchSeat(const BatchSeat&) = delete;
    BatchSeat& operator=(const BatchSeat&) = delete;
    ~BatchSeat();

    /// 0: of no batch.
    [[nodiscard]] core::BatchId batch() const noexcept { return batch_; }
    /// From now on the seat is only a name: the job has been accepted.
    void keep() noexcept { holds_ = nullptr; }

private:
    Batches* holds_ = nullptr;
    core::BatchId batch_{};
};

/// The batches by the names that their users gave them. One lasts from the first submit that names
/// it until it has no unfinished job and no session is left that has submitted to it; one that gave
/// up is remembered longer.
class Batches {
public:
    Batches(std::function<void(const core::Event&)> post,
            std::function<core::BatchCounts(core::BatchId)> counts)
        : post_(std::move(post)), counts_(std::move(counts))
    {
    }

    /// One user cannot fill the daemon with names. Past ones do not count.
    static constexpr std::size_t most_per_user = 1000;
    /// Batches that gave up and are over, of all users: the last ones are remembered.
    static constexpr std::size_t most_past = 100;

    /// A seat in the batch of that name, which is made if it is new. `rule` as in a submit; empty:
    /// as it is.
    [[nodiscard]] tl::expected<BatchSeat, ErrorReply> join(unsigned uid, std::string_view name,
                                                           std::string_view rule);
    /// The job that has the seat is accepted, and that session has submitted to its batch.
    void accepted(BatchSeat& seat, SessionId session);
    /// That job has ended, or was never accepted.
    void job_ended(core::BatchId batch);
    /// Nothing may be submitted to it any more.
    void halted(core::BatchId batch);
    void session_lost(SessionId session);

    /// None when the user has no such batch.
    [[nodiscard]] std::optional<core::BatchId> find(unsigned uid, std::string_view name) const;
    [[nodiscard]] std::string name_of(core::BatchId batch) const;
    struct Listed {
        std::string name;
        core::BatchCounts counts;
    };
    /// The first of the user's batches, by name.
    [[nodiscard]] std::vector<Listed> of(unsigned uid, std::size_t most) const;
    [[nodiscard]] std::size_t count_of(unsigned uid) const;

private:
    struct Batch {
        unsigned uid = 0;
        std::string name;
        core::HaltRule rule;
        bool halted = false;
        std::uint64_t unfinished = 0;  ///< jobs, and submits that are not accepted yet
        std::set<SessionId> sessions;
        std::optional<core::BatchCounts> past;  ///< once the core has forgotten it
    };

    /// How many of the user's are only remembered.
    [[nodiscard]] std::size_t past_of(unsigned uid) const;
    void close_if_done(core::BatchId id);
    void forget(core::BatchId id);

    std::function<void(const core::Event&)> post_;
    std::function<core::BatchCounts(core::BatchId)> counts_;
    std::unordered_map<core::BatchId, Batch> batches_;
    std::map<unsigned, std::map<std::string, core::BatchId, std::less<>>> names_;
    std::unordered_map<SessionId, std::set<core::BatchId>> used_by_;
    std::deque<core::BatchId> past_;
    std::uint32_t last_ = 0;
};

}  // namespace jobmill::daemon
