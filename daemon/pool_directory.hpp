// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/codec.hpp"
#include "daemon/pool_settings.hpp"
#include "jobmill/ids.hpp"
#include "jobmill/value.hpp"

namespace jobmill::daemon {

struct HandlerEntry {
    std::string name;
    std::string help;
    std::string module;  ///< its name, or what stands for it
};

struct PoolEntry {
    enum class State : std::uint8_t {
        starting,
        up,
        down,
        retiring,  ///< finishes what it was given; takes no more
        gone,      ///< the number is free
    };

    std::string name;
    State state = State::starting;
    std::string error;  ///< why it is down
    PoolSettings settings;
    std::uint64_t era = 0;  ///< of what they say about jobs; no other pool has had the same
    /// A handler's position is its number on the worker link.
    std::vector<HandlerEntry> handlers;
};

/// Where a submit goes.
struct Route {
    PoolId pool{};
    std::uint16_t handler = 0;
};

/// The pools by name, and what their templates said they can do. A pool that is replaced stays
/// under its number, without its name, until its last job is over.
class PoolDirectory {
public:
    static constexpr std::string_view default_pool = "default";

    /// Pools 0, 1, ... in that order, all to be found.
    explicit PoolDirectory(const std::vector<std::string>& names);

    /// A pool that cannot be found yet.
    PoolId add(const std::string& name);
    /// From now on these are found, and no others; the first is the default unless one has its
    /// name.
    void publish(std::vector<PoolId> pools);
    [[nodiscard]] const std::vector<PoolId>& published() const noexcept { return published_; }
    [[nodiscard]] std::optional<PoolId> find(std::string_view name) const;
    /// There is none of that name; with the nearest one.
    [[nodiscard]] tl::unexpected<ErrorReply> unknown(std::string_view name) const;
    /// Jobs are given other things from the next one on.
    void configure(PoolId pool, const PoolSettings& settings);
    void retire(PoolId pool) { entry(pool).state = PoolEntry::State::retiring; }
    void remove(PoolId pool);
    /// Those that are published, in their order, then those that retire.
    [[nodiscard]] std::vector<PoolId> all() const;

    [[nodiscard]] PoolEntry& entry(PoolId pool) { return pools_.at(number(pool)); }
    [[nodiscard]] const PoolEntry& entry(PoolId pool) const { return pools_.at(number(pool)); }

    /// An empty pool name means the default pool. Unknown names are answered with the nearest one.
    /// `guess` is the handler's number for who has asked before: that one is looked at first.
    [[nodiscard]] tl::expected<Route, ErrorReply> find(std::string_view pool,
                                                       std::string_view handler,
                                                       std::uint16_t guess = 0) const;

    /// The body of a handlers reply.
    [[nodiscard]] Value describe() const;

private:
    std::vector<PoolEntry> pools_;  ///< by number
    std::vector<PoolId> published_;
    std::uint64_t last_era_ = 0;
};

/// The list that a template sent, judged; errors say what is wrong with it.
[[nodiscard]] Result<std::vector<HandlerEntry>> read_handlers(const Value& body);

/// Whether each number means the same handler in both lists.
[[nodiscard]] bool same_numbers(const std::vector<HandlerEntry>& one,
                                const std::vector<HandlerEntry>& other);

}  // namespace jobmill::daemon
