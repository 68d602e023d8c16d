// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "daemon/client_session.hpp"

namespace jobmill::daemon {

/// Answers what clients ask about the daemon itself, and judges who may change it.
class Administration {
public:
    /// What it needs of the daemon.
    struct Outside {
        const PoolDirectory& pools;
        std::function<Value(const Identity&, const std::vector<JobId>&)> status;
        /// Answers the request under that tag when the reload is over.
        std::function<void(SessionId, Tag)> reload;
        std::function<tl::expected<Value, ErrorReply>(const AdjustRequest&)> adjust;
    };

    explicit Administration(Outside outside) : outside_(std::move(outside)) {}

    void answer(ClientSession& session, Tag tag, const Request& request) const;

private:
    void answer_adjust(ClientSession& session, const AdjustRequest& request, Tag tag) const;
    void answer_log_level(ClientSession& session, const LogLevelRequest& request, Tag tag) const;

    Outside outside_;
};

}  // namespace jobmill::daemon
