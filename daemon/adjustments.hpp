// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "common/messages.hpp"
#include "daemon/config.hpp"
#include "daemon/job_desk.hpp"
#include "daemon/pool_directory.hpp"

namespace jobmill::daemon {

/// Caps and weights that are changed while the daemon runs, until the configuration says otherwise.
class Adjustments {
public:
    struct Outside {
        PoolDirectory& pools;
        JobDesk& desk;
        std::function<void(const core::Event&)> post;
    };

    explicit Adjustments(Outside outside) : outside_(std::move(outside)) {}

    /// What the configuration says of labels and of all pools together. Labels that it does not
    /// name any more have no bound.
    void configure(const Config& config);
    /// How it is now, or what is wrong with the request.
    [[nodiscard]] tl::expected<Value, ErrorReply> adjust(const AdjustRequest& request);
    [[nodiscard]] std::uint64_t max_running() const noexcept { return max_running_; }

private:
    [[nodiscard]] tl::expected<void, ErrorReply> adjust_pool(const AdjustRequest& request);
    [[nodiscard]] tl::expected<void, ErrorReply> adjust_label(const AdjustRequest& request);
    [[nodiscard]] Value document() const;

    Outside outside_;
    std::uint64_t max_running_ = unlimited;
};

/// A bound as a document says it: a number, or "unlimited".
[[nodiscard]] Value bound_value(std::uint64_t bound);

}  // namespace jobmill::daemon
