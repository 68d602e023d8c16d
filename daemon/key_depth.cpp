// SPDX-License-Identifier: MIT
#include "daemon/key_depth.hpp"

#include <algorithm>
#include <string>

namespace jobmill::daemon {
namespace {

/// Goes through a file from one byte to the next that is not within a string or a comment.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    std::optional<TextPlace> find()
    {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '"' || c == '\'') {
                skip_string(c);
            } else if (c == '#') {
                at_ = std::min(text_.find('\n', at_), text_.size());
            } else {
                if (c == '.' && ++dots_ == most_key_parts) {
                    return place();
                }
                // What ends a key, or stands before one. The dots of a number count, which has one.
                if (std::string_view{"\n=,[]{}"}.find(c) != std::string_view::npos) {
                    dots_ = 0;
                }
                ++at_;
            }
        }
        return {};
    }

private:
    void skip_string(char quote)
    {
        const bool long_one = text_.substr(at_, 3) == std::string(3, quote);
        at_ += long_one ? 3 : 1;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '\\' && quote == '"') {
                at_ += 2;
            } else if (c == quote && (!long_one || text_.substr(at_, 3) == std::string(3, quote))) {
                // A long one may have two quotes more before its end.
                const std::size_t most = long_one ? 5 : 1;
                const std::size_t end = text_.find_first_not_of(quote, at_);
                at_ = std::min({at_ + most, end, text_.size()});
                return;
            } else if (c == '\n' && !long_one) {
                return;  // it has no end, which is for the parser to say
            } else {
                ++at_;
            }
        }
        at_ = text_.size();
    }

    [[nodiscard]] TextPlace place() const
    {
        const std::string_view before = text_.substr(0, at_);
        const std::size_t start = before.rfind('\n') + 1;  // of the line; of none npos makes 0
        const std::string_view line = before.substr(start);
        const auto continues = [](char c) {
            return (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
        };
        return {
            .line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')),
            .column = 1 + line.size() -
                      static_cast<std::size_t>(std::count_if(line.begin(), line.end(), continues))};
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t dots_ = 0;  ///< since a key may have begun
};

}  // namespace

std::optional<TextPlace> too_deep_key(std::string_view toml)
{
    return Scanner{toml}.find();
}

}  // namespace jobmill::daemon
