// SPDX-License-Identifier: MIT
#include "client/commands/item_reader.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>

namespace jobmill::commands {

Result<void> ItemReader::read()
{
    if (taken_ > 0) {
        buffer_.erase(0, taken_);
        searched_ -= taken_;
        taken_ = 0;
    }
    if (buffer_.size() > most_) {
        return fail(Errc::invalid,
                    "an item of input is larger than " + std::to_string(most_) + " bytes");
    }
    std::array<char, std::size_t{64} * 1024> chunk{};
    const ssize_t size = ::read(fd_, chunk.data(), chunk.size());
    if (size < 0) {
        if (errno == EINTR || errno == EAGAIN) {
            return {};
        }
        return fail_errno("reading standard input", errno);
    }
    ended_ = size == 0;
    buffer_.append(chunk.data(), static_cast<std::size_t>(size));
    return {};
}

bool ItemReader::has_item()
{
    if (searched_ < taken_) {
        searched_ = taken_;
    }
    const std::size_t end = buffer_.find(terminator_, searched_);
    searched_ = end == std::string::npos ? buffer_.size() : end;
    return end != std::string::npos || (ended_ && taken_ < buffer_.size());
}

std::optional<std::string> ItemReader::next()
{
    if (!has_item()) {
        return {};
    }
    std::string item = buffer_.substr(taken_, searched_ - taken_);
    taken_ = searched_ < buffer_.size() ? searched_ + 1 : searched_;
    searched_ = taken_;
    return item;
}

}  // namespace jobmill::commands
