// SPDX-License-Identifier: MIT
// Bytes with frames in them, of which some have come and some are to go.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace jobmill::bench {

struct FrameHeader {
    std::uint32_t size = 0;
    std::uint32_t client = 0;
};

struct Frame {
    FrameHeader header;
    std::string_view body;  ///< until something is added
};

class Frames {
public:
    static constexpr std::size_t usual_read = std::size_t{256} << 10U;

    /// Where a read may put so many bytes; added() says how many it did.
    [[nodiscard]] char* room(std::size_t size)
    {
        if (first_ == last_) {
            first_ = last_ = 0;
        }
        if (last_ + size > bytes_.size() && first_ > 0) {
            std::memmove(bytes_.data(), bytes_.data() + first_, last_ - first_);
            last_ -= first_;
            first_ = 0;
        }
        if (last_ + size > bytes_.size()) {
            bytes_.resize((last_ + size) * 2);
        }
        return bytes_.data() + last_;
    }
    void added(std::size_t size) noexcept { last_ += size; }

    void add(FrameHeader header, std::string_view body)
    {
        header.size = static_cast<std::uint32_t>(body.size());
        char* to = room(sizeof header + body.size());
        std::memcpy(to, &header, sizeof header);
        std::copy(body.begin(), body.end(), to + sizeof header);
        last_ += sizeof header + body.size();
    }

    /// The next whole one.
    [[nodiscard]] std::optional<Frame> next()
    {
        FrameHeader header;
        if (last_ - first_ < sizeof header) {
            return {};
        }
        std::memcpy(&header, bytes_.data() + first_, sizeof header);
        if (last_ - first_ < sizeof header + header.size) {
            return {};
        }
        const char* body = bytes_.data() + first_ + sizeof header;
        first_ += sizeof header + header.size;
        return Frame{header, {body, header.size}};
    }

    [[nodiscard]] std::string_view bytes() const noexcept
    {
        return {bytes_.data() + first_, last_ - first_};
    }
    void drop(std::size_t size) noexcept { first_ += size; }

private:
    std::vector<char> bytes_;
    std::size_t first_ = 0;
    std::size_t last_ = 0;
};

}  // namespace jobmill::bench
