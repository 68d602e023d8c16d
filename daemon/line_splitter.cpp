// SPDX-License-Identifier: MIT
#include "daemon/line_splitter.hpp"

#include <algorithm>
#include <utility>

namespace jobmill::daemon {

void LineSplitter::feed(ByteView bytes)
{
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(taken_));
    searched_ -= std::min(searched_, taken_);
    taken_ = 0;
    append(buffer_, bytes);
}

std::optional<std::string_view> LineSplitter::next()
{
    searched_ = std::max(searched_, taken_);
    const std::string_view all = text_of(buffer_);
    const std::size_t end = all.find('\n', searched_);
    if (end == std::string_view::npos) {
        searched_ = all.size();
        return {};
    }
    std::string_view line = all.substr(taken_, end - taken_);
    taken_ = end + 1;
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

std::string_view LineSplitter::take_rest()
{
    const std::size_t start = std::exchange(taken_, buffer_.size());
    return text_of(buffer_).substr(start);
}

}  // namespace jobmill::daemon
