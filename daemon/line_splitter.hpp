// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string_view>

#include "jobmill/bytes.hpp"

namespace jobmill::daemon {

/// Bytes of a stream in, lines out. Keeps at most what was fed and not taken.
class LineSplitter {
public:
    /// The view that next() answered dies with this.
    void feed(ByteView bytes);

    /// The next whole line without its newline (and carriage return), or none.
    [[nodiscard]] std::optional<std::string_view> next();

    /// What is left when the input has ended without a newline.
    [[nodiscard]] std::string_view take_rest();

    /// Bytes of a line that is not whole yet; meaningful after next() answered none.
    [[nodiscard]] std::size_t partial() const noexcept { return buffer_.size() - taken_; }

private:
    Bytes buffer_;
    std::size_t taken_ = 0;
    std::size_t searched_ = 0;
};

}  // namespace jobmill::daemon
