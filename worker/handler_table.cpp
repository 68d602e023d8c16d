// SPDX-License-Identifier: MIT
#include "worker/handler_table.hpp"

#include <algorithm>
#include <utility>

#include "common/limits.hpp"
#include "common/utf8.hpp"
#include "worker/builtins.hpp"

namespace jobmill {

tl::unexpected<LoadError> cannot_load(std::string_view module, std::string text)
{
    return tl::unexpected<LoadError>(
        LoadError{std::string{module}, "module " + std::string{module} + ' ' + std::move(text)});
}

Loading<void> HandlerTable::add(const jobmill_handler& handler, std::string_view module)
{
    const std::string_view name = handler.name == nullptr ? "" : handler.name;
    if (name.empty() || name.size() > limits::name || !valid_utf8(name)) {
        return cannot_load(module, "has a handler whose name is not 1 to 128 bytes of UTF-8");
    }
    if (handler.run == nullptr) {
        return cannot_load(module, "has no function for its handler \"" + std::string{name} + '"');
    }
    const auto same = std::find_if(handlers_.begin(), handlers_.end(),
                                   [&](const LoadedHandler& other) { return other.name == name; });
    if (same != handlers_.end()) {
        return cannot_load(module, "has a handler \"" + std::string{name} +
                                       "\", which is already one of " + same->module);
    }
    if (handlers_.size() > UINT16_MAX) {
        return cannot_load(module, "has more handlers than can be numbered");
    }
    handlers_.push_back({std::string{name},
                         to_valid_utf8(handler.help == nullptr ? "" : handler.help),
                         std::string{module}, handler.run, handler.context,
                         module == builtin_module_name && name == exec_handler_name});
    return {};
}

void HandlerTable::make_interruptible(std::size_t first)
{
    for (std::size_t i = first; i < handlers_.size(); ++i) {
        handlers_[i].interruptible = true;
    }
}

Value HandlerTable::describe() const
{
    Array list;
    for (const LoadedHandler& handler : handlers_) {
        list.emplace_back(
            Map{{"name", handler.name}, {"help", handler.help}, {"module", handler.module}});
    }
    return Map{{"handlers", std::move(list)}};
}

}  // namespace jobmill
