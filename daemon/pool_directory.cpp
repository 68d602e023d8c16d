// SPDX-License-Identifier: MIT
#include "daemon/pool_directory.hpp"

#include <algorithm>
#include <limits>

#include "common/limits.hpp"
#include "common/nearest.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {
namespace {

/// What may help who has named a handler that is not there.
std::string advice(std::string_view handler, const std::vector<std::string_view>& names)
{
    // Built in, but not in every pool: nobody should look for its module.
    if (handler == "exec") {
        return ", which runs no commands: they would have the rights of the daemon's user";
    }
    return did_you_mean(handler, names);
}

}  // namespace

PoolDirectory::PoolDirectory(const std::vector<std::string>& names)
{
    std::vector<PoolId> pools;
    pools.reserve(names.size());
    for (const std::string& name : names) {
        pools.push_back(add(name));
    }
    publish(std::move(pools));
}

PoolId PoolDirectory::add(const std::string& name)
{
    auto place = std::find_if(pools_.begin(), pools_.end(), [](const PoolEntry& each) {
        return each.state == PoolEntry::State::gone;
    });
    if (place == pools_.end()) {
        place = pools_.insert(place, PoolEntry{});
    }
    *place = PoolEntry{.name = name,
                       .state = PoolEntry::State::starting,
                       .error = {},
                       .era = ++last_era_,
                       .handlers = {}};
    return PoolId{static_cast<std::uint16_t>(place - pools_.begin())};
}

void PoolDirectory::configure(PoolId pool, const PoolSettings& settings)
{
    entry(pool).settings = settings;
    entry(pool).era = ++last_era_;
}

void PoolDirectory::publish(std::vector<PoolId> pools)
{
    published_ = std::move(pools);
}

std::optional<PoolId> PoolDirectory::find(std::string_view name) const
{
    const auto found = std::find_if(published_.begin(), published_.end(),
                                    [&](PoolId each) { return entry(each).name == name; });
    return found == published_.end() ? std::nullopt : std::optional{*found};
}

void PoolDirectory::remove(PoolId pool)
{
    entry(pool) =
        PoolEntry{.name = {}, .state = PoolEntry::State::gone, .error = {}, .handlers = {}};
}

std::vector<PoolId> PoolDirectory::all() const
{
    std::vector<PoolId> pools = published_;
    for (std::size_t i = 0; i < pools_.size(); ++i) {
        if (pools_[i].state == PoolEntry::State::retiring) {
            pools.push_back(PoolId{static_cast<std::uint16_t>(i)});
        }
    }
    return pools;
}

tl::unexpected<ErrorReply> PoolDirectory::unknown(std::string_view name) const
{
    std::vector<std::string_view> names;
    for (const PoolId each : published_) {
        names.emplace_back(entry(each).name);
    }
    return refuse(error_code::unknown_pool,
                  "no pool \"" + std::string{name} + "\"" + did_you_mean(name, names), "pool");
}

tl::expected<Route, ErrorReply> PoolDirectory::find(std::string_view pool, std::string_view handler,
                                                    std::uint16_t guess) const
{
    const std::string_view name = pool.empty() ? default_pool : pool;
    auto number = find(name);
    if (!number && pool.empty()) {
        number = published_.front();
    }
    if (!number) {
        return unknown(name);
    }
    const PoolEntry* entry = &this->entry(*number);
    if (entry->state == PoolEntry::State::down) {
        return refuse(error_code::pool_down, "pool \"" + entry->name + "\": " + entry->error,
                      "pool");
    }
    const auto& handlers = entry->handlers;
    if (guess < handlers.size() && handlers[guess].name == handler) {
        return Route{.pool = *number, .handler = guess};
    }
    const auto found = std::find_if(handlers.begin(), handlers.end(),
                                    [&](const auto& each) { return each.name == handler; });
    if (found == handlers.end()) {
        std::vector<std::string_view> names;
        names.reserve(handlers.size());
        for (const HandlerEntry& each : handlers) {
            names.emplace_back(each.name);
        }
        return refuse(error_code::unknown_handler,
                      "no handler \"" + std::string{handler} + "\" in pool \"" + entry->name +
                          "\"" + advice(handler, names),
                      "handler");
    }
    return Route{.pool = *number, .handler = static_cast<std::uint16_t>(found - handlers.begin())};
}

Value PoolDirectory::describe() const
{
    Array pools;
    for (const PoolId each : published_) {
        const PoolEntry& pool = entry(each);
        Array handlers;
        for (const HandlerEntry& handler : pool.handlers) {
            handlers.emplace_back(Map{{"name", Value{handler.name}},
                                      {"help", Value{handler.help}},
                                      {"module", Value{handler.module}}});
        }
        pools.emplace_back(
            Map{{"name", Value{pool.name}}, {"handlers", Value{std::move(handlers)}}});
    }
    return Value{Map{{"pools", Value{std::move(pools)}}}};
}

Result<std::vector<HandlerEntry>> read_handlers(const Value& body)
{
    const Value* list = body.find("handlers");
    const Array* items = list == nullptr ? nullptr : list->array();
    if (items == nullptr || items->size() > std::numeric_limits<std::uint16_t>::max()) {
        return fail(Errc::invalid, "handlers: want a list");
    }
    std::vector<HandlerEntry> handlers;
    for (const Value& item : *items) {
        const std::string_view name = item.text_at("name");
        if (name.empty() || name.size() > limits::name) {
            return fail(Errc::invalid, "handlers: a name of " + std::to_string(name.size()) +
                                           " bytes; want 1 to " + std::to_string(limits::name));
        }
        handlers.push_back(HandlerEntry{.name = std::string{name},
                                        .help = std::string{item.text_at("help")},
                                        .module = std::string{item.text_at("module")}});
    }
    return handlers;
}

bool same_numbers(const std::vector<HandlerEntry>& one, const std::vector<HandlerEntry>& other)
{
    return std::equal(
        one.begin(), one.end(), other.begin(), other.end(),
        [](const HandlerEntry& a, const HandlerEntry& b) { return a.name == b.name; });
}

}  // namespace jobmill::daemon
