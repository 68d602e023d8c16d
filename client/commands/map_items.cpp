// SPDX-License-Identifier: MIT
#include "client/commands/map_items.hpp"

namespace jobmill::commands {
namespace {

// What is read ahead at most.
constexpr std::size_t most_items = 100'000;
constexpr std::size_t most_bytes = std::size_t{16} * 1024 * 1024;

}  // namespace

MapItems::MapItems(ItemReader reader, std::vector<bool> done)
    : reader_(std::move(reader)), done_(std::move(done))
{
}

MapItems::MapItems(const std::map<std::uint64_t, std::string>& commands)
{
    for (const auto& [number, command] : commands) {
        bytes_ += command.size();
        at_hand_.push_back({number, command});
    }
}

/// Takes one of the input, which is at hand then unless it is done; false when none is there.
bool MapItems::cut()
{
    auto text = reader_->next();
    if (!text) {
        return false;
    }
    ++read_;
    if (read_ >= done_.size() || !done_[read_]) {
        bytes_ += text->size();
        at_hand_.push_back({read_, std::move(*text)});
    }
    return true;
}

/// One that is not done, if one is there.
void MapItems::take()
{
    while (reader_ && at_hand_.empty() && cut()) {
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
    bytes_ -= item.text.size();
    ++given_;
    return item;
}

Result<void> MapItems::read()
{
    return reader_ ? reader_->read() : Result<void>{};
}

Result<void> MapItems::read_ahead()
{
    JOBMILL_TRY(read());
    while (reader_ && cut()) {
    }
    return {};
}

bool MapItems::can_read_ahead() const
{
    return !ended() && at_hand_.size() < most_items && bytes_ + reader_->held() < most_bytes;
}

std::uint64_t MapItems::total()
{
    if (!ended()) {
        return 0;
    }
    while (reader_ && cut()) {
    }
    return given_ + at_hand_.size();
}

}  // namespace jobmill::commands
