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
#include <vector>

#include "common/codec.hpp"
#include "daemon/core/dispatcher.hpp"
#include "jobmill/ids.hpp"

namespace jobmill::daemon {

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

    /// One user cannot fill the daemon with names.
    static constexpr std::size_t most_per_user = 1000;
    /// Batches that gave up and are over, of all users: the last ones are remembered.
    static constexpr std::size_t most_past = 100;

    /// The batch of that name, which is made if it is new. `rule` as in a submit; empty: as it is.
    [[nodiscard]] tl::expected<core::BatchId, ErrorReply> join(unsigned uid, std::string_view name,
                                                               std::string_view rule,
                                                               SessionId session);
    void job_added(core::BatchId batch);
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
    [[nodiscard]] std::vector<Listed> of(unsigned uid) const;

private:
    struct Batch {
        unsigned uid = 0;
        std::string name;
        core::HaltRule rule;
        bool halted = false;
        std::uint64_t unfinished = 0;
        std::set<SessionId> sessions;
        std::optional<core::BatchCounts> past;  ///< once the core has forgotten it
    };

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
