// SPDX-License-Identifier: MIT
#include "client/commands/open_items.hpp"

namespace jobmill::commands {

OpenItem& OpenItems::add(std::uint64_t number, std::string text)
{
    OpenItem& item = items_[number];
    item.text = std::move(text);
    return item;
}

bool OpenItems::print(OpenItem item, ProgressBar& bar)
{
    bar.clear();
    if (!item.output.print(style_.tag ? item.text + "\t" : "")) {
        return false;
    }
    if (log_ != nullptr && item.line) {
        log_->add(*item.line);
    }
    return true;
}

bool OpenItems::end(std::uint64_t number, ProgressBar& bar)
{
    items_.at(number).ended = true;
    if (!style_.ordered) {
        return print(std::move(items_.extract(number).mapped()), bar);
    }
    while (!items_.empty() && items_.begin()->second.ended) {
        if (!print(std::move(items_.extract(items_.begin()).mapped()), bar)) {
            return false;
        }
    }
    return true;
}

bool OpenItems::drop(std::uint64_t number, ProgressBar& bar)
{
    OpenItem& item = items_.at(number);
    item.output = {};
    item.line.reset();
    return end(number, bar);
}

}  // namespace jobmill::commands
