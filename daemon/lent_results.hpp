// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "daemon/job_record.hpp"

namespace jobmill::daemon {

/// Results that clients have as they lie, in descriptors, and have not returned. Nobody knows
/// whether a client has taken them out of its socket, and until then the memory is nobody's: so
/// there is a bound, beyond which results go in pieces, as they do to who never returns any.
class LentResults {
public:
    struct Limits {
        std::size_t per_session = 64;
        std::uint64_t bytes_per_user = std::uint64_t{256} << 20U;
        std::uint64_t bytes = std::uint64_t{1} << 30U;
    };

    LentResults() = default;
    explicit LentResults(const Limits& limits) : limits_(limits) {}

    /// Whether a result of that size may be lent. One alone may be of any size.
    [[nodiscard]] bool has_room(const Submitter& client, std::uint64_t size) const;
    void lend(const Submitter& client, JobId job, Payload result);
    /// None when that job's result is not lent to that client.
    [[nodiscard]] std::optional<Payload> take_back(const Submitter& client, JobId job);
    /// The client is gone. What it had is closed, since others may have it mapped who got it from
    /// the client.
    void forget(const Submitter& client);

    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    using Lent = std::unordered_map<JobId, Payload>;

    void count_out(unsigned uid, std::uint64_t size);

    Limits limits_;
    std::unordered_map<SessionId, Lent> sessions_;       ///< that have any
    std::unordered_map<unsigned, std::uint64_t> users_;  ///< the bytes of each that has any
    std::uint64_t bytes_ = 0;
};

}  // namespace jobmill::daemon
