// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/codec.hpp"
#include "jobmill/ids.hpp"
#include "jobmill/value.hpp"

namespace jobmill::daemon {

struct HandlerEntry {
    std::string name;
    std::string help;
    std::string module;  ///< empty: built in
};

struct PoolEntry {
    enum class State : std::uint8_t { starting, up, down };

    std::string name;
    State state = State::starting;
    std::string error;  ///< why it is down
    /// A handler's position is its number on the worker link.
    std::vector<HandlerEntry> handlers;
};

/// Where a submit goes.
struct Route {
    PoolId pool{};
    std::uint16_t handler = 0;
};

/// The pools by name, and what their templates said they can do.
class PoolDirectory {
public:
    static constexpr std::string_view default_pool = "default";

    explicit PoolDirectory(const std::vector<std::string>& names);

    [[nodiscard]] PoolEntry& entry(PoolId pool) { return pools_.at(number(pool)); }
    [[nodiscard]] const PoolEntry& entry(PoolId pool) const { return pools_.at(number(pool)); }
    [[nodiscard]] std::size_t size() const noexcept { return pools_.size(); }

    /// An empty pool name means the default pool. Unknown names are answered with the nearest one.
    [[nodiscard]] tl::expected<Route, ErrorReply> find(std::string_view pool,
                                                       std::string_view handler) const;

    /// The body of a handlers reply.
    [[nodiscard]] Value describe() const;

private:
    std::vector<PoolEntry> pools_;
};

/// The list that a template sent, judged; errors say what is wrong with it.
[[nodiscard]] Result<std::vector<HandlerEntry>> read_handlers(const Value& body);

/// Whether each number means the same handler in both lists.
[[nodiscard]] bool same_numbers(const std::vector<HandlerEntry>& one,
                                const std::vector<HandlerEntry>& other);

}  // namespace jobmill::daemon
