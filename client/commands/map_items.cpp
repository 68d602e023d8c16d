// SPDX-License-Identifier: MIT
#include "client/commands/map_items.hpp"

namespace jobmill::commands {

MapItems::MapItems(ItemReader reader, std::vector<bool> done)
    : reader_(std::move(reader)), done_(std::move(done))
{
}

MapItems::MapItems(const std::map<std::uint64_t, std::string>& commands)
{
    for (const auto& [number, command] : commands) {
        at_hand_.push_back({number, command});
    }
}

/// One that is not done, if one is there.
void MapItems::take()
{
    while (reader_ && at_hand_.empty()) {
        auto text = reader_->next();
        if (!text) {
            return;
        }
        ++read_;
        if (read_ >= done_.size() || !done_[read_]) {
            at_hand_.push_back({read_, std::move(*text)});
        }
    }
}

bool MapItems::has_next()
{
    take();
    return !at_hand_.empty();
}

std::optional<MapItem> MapItems::next()
{
    if (!has_next()) {
        return {};
    }
    MapItem item = std::move(at_hand_.front());
    at_hand_.pop_front();
    ++given_;
    return item;
}

Result<void> MapItems::read()
{
    return reader_ ? reader_->read() : Result<void>{};
}

std::uint64_t MapItems::total()
{
    if (!reader_) {
        return given_ + at_hand_.size();
    }
    return reader_->ended() && !has_next() ? given_ : 0;
}

}  // namespace jobmill::commands
