// SPDX-License-Identifier: MIT
#include "client/commands/open_items.hpp"

#include <utility>

#include "client/commands/output.hpp"

namespace jobmill::commands {

OpenItem& OpenItems::add(std::uint64_t number, std::string text)
{
    OpenItem& item = items_[number];
    item.text = std::move(text);
    return item;
}

void OpenItems::log_printed()
{
    while (!printed_.empty() && printed_.front().end <= written_output_size()) {
        log_->add(printed_.front().line);
        printed_.pop_front();
    }
}

bool OpenItems::print_ready(ProgressBar& bar)
{
    while (!printing_.empty() && !output_waits()) {
        OpenItem& item = printing_.front();
        bar.clear();
        if (!item.output.print_some(style_.tag ? item.text + "\t" : "")) {
            return false;
        }
        if (!item.output.printed()) {
            break;
        }
        end_output_item();
        if (log_ != nullptr && item.line) {
            printed_.push_back({std::move(*item.line), output_size()});
        }
        printing_.pop_front();
    }
    return true;
}

bool OpenItems::print_some(ProgressBar& bar)
{
    const bool written = print_ready(bar) && write_gathered();
    log_printed();
    return written;
}

bool OpenItems::end(std::uint64_t number, ProgressBar& bar)
{
    items_.at(number).ended = true;
    if (!style_.ordered) {
        printing_.push_back(std::move(items_.extract(number).mapped()));
    }
    while (style_.ordered && !items_.empty() && items_.begin()->second.ended) {
        printing_.push_back(std::move(items_.extract(items_.begin()).mapped()));
    }
    const bool printed = print_ready(bar);
    log_printed();
    return printed;
}

bool OpenItems::drop(std::uint64_t number, ProgressBar& bar)
{
    OpenItem& item = items_.at(number);
    item.output = {};
    item.line.reset();
    return end(number, bar);
}

}  // namespace jobmill::commands
