// SPDX-License-Identifier: MIT
#include "common/json_scan.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "common/limits.hpp"
#include "common/utf8.hpp"
#include "jobmill/error_code.hpp"

namespace jobmill {
namespace {

template <typename T>
bool fits(std::string_view number)
{
    T value{};
    return std::from_chars(number.data(), number.data() + number.size(), value).ec == std::errc{};
}

/// Of what is spelled as a number: whether there is one of 64 bits for it. A fraction may be too
/// small to be told from 0.
bool is_in_range(std::string_view number)
{
    if (number.find_first_of(".eE") == std::string_view::npos) {
        return fits<std::int64_t>(number) || fits<std::uint64_t>(number);
    }
    return std::isfinite(std::strtod(std::string{number}.c_str(), nullptr));
}

/// Each call passes over what it is named for and answers true, or notes the fault.
class Scanner {
public:
    explicit Scanner(std::string_view line) : line_(line) {}

    std::optional<JsonFault> run()
    {
        if (const std::size_t valid = valid_utf8_prefix(line_); valid < line_.size()) {
            return JsonFault{error_code::not_utf8, valid, "not UTF-8"};
        }
        if (value(0)) {
            skip_space();
            if (at_ < line_.size()) {
                refuse();
            }
        }
        return fault_;
    }

private:
    [[nodiscard]] char peek() const { return at_ < line_.size() ? line_[at_] : '\0'; }
    [[nodiscard]] bool digit() const { return peek() >= '0' && peek() <= '9'; }

    bool take(char wanted)
    {
        if (at_ >= line_.size() || line_[at_] != wanted) {
            return false;
        }
        ++at_;
        return true;
    }

    bool refuse()
    {
        return refuse(at_ >= line_.size()
                          ? "unexpected end of line"
                          : "unexpected \"" + escaped(character_at(line_.substr(at_))) + "\"");
    }
    bool refuse(std::string text)
    {
        fault_ = JsonFault{error_code::bad_json, at_, std::move(text)};
        return false;
    }

    static std::string_view character_at(std::string_view text)
    {
        std::size_t size = 1;
        while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U) {
            ++size;
        }
        return text.substr(0, size);
    }

    void skip_space() { at_ = std::min(line_.find_first_not_of(" \t\r\n", at_), line_.size()); }

    // Recursion is bounded by limits::depth
    bool value(std::size_t depth)
    {
        skip_space();
        switch (peek()) {
            case '{':
            case '[':
                if (depth == limits::depth) {
                    fault_ = JsonFault{error_code::too_deep, at_, "nested too deep"};
                    return false;
                }
                return peek() == '{' ? object(depth + 1) : array(depth + 1);
            case '"':
                return string();
            case 't':
                return literal("true");
            case 'f':
                return literal("false");
            case 'n':
                return literal("null");
            default:
                return number();
        }
    }

    // Recursion is bounded by limits::depth
    bool object(std::size_t depth)
    {
        (void)take('{');
        skip_space();
        if (take('}')) {
            return true;
        }
        do {
            skip_space();
            if (peek() != '"') {
                return refuse();
            }
            if (!string()) {
                return false;
            }
            skip_space();
            if (!take(':')) {
                return refuse();
            }
            if (!value(depth)) {
                return false;
            }
            skip_space();
        } while (take(','));
        return take('}') || refuse();
    }

    // Recursion is bounded by limits::depth
    bool array(std::size_t depth)
    {
        (void)take('[');
        skip_space();
        if (take(']')) {
            return true;
        }
        do {
            if (!value(depth)) {
                return false;
            }
            skip_space();
        } while (take(','));
        return take(']') || refuse();
    }

    bool string()
    {
        (void)take('"');
        while (at_ < line_.size()) {
            const char c = peek();
            if (c == '"') {
                ++at_;
                return true;
            }
            if (static_cast<unsigned char>(c) < 0x20) {
                return refuse();
            }
            if (c == '\\' ? !escape() : !take(c)) {
                return false;
            }
        }
        return refuse();
    }

    bool escape()
    {
        const std::size_t start = at_++;
        if (!take('u')) {
            if (at_ < line_.size() &&
                std::string_view{"\"\\/bfnrt"}.find(peek()) != std::string_view::npos) {
                ++at_;
                return true;
            }
            return refuse();
        }
        unsigned unit = 0;
        if (!four_digits(unit)) {
            return false;
        }
        if (unit < 0xd800 || unit > 0xdfff) {
            return true;
        }
        // A character above U+FFFF is spelled as a high surrogate and then a low one.
        unsigned low = 0;
        if (unit < 0xdc00 && line_.substr(at_).starts_with("\\u")) {
            at_ += 2;
            if (!four_digits(low)) {
                return false;
            }
        }
        if (low < 0xdc00 || low > 0xdfff) {
            at_ = start;
            return refuse("half of a surrogate pair");
        }
        return true;
    }

    bool four_digits(unsigned& unit)
    {
        static constexpr std::string_view digits = "0123456789abcdefABCDEF";
        for (int i = 0; i < 4; ++i) {
            const std::size_t found =
                at_ < line_.size() ? digits.find(peek()) : std::string_view::npos;
            if (found == std::string_view::npos) {
                return refuse();
            }
            unit = unit << 4U | static_cast<unsigned>(found < 16 ? found : found - 6);
            ++at_;
        }
        return true;
    }

    bool number()
    {
        const std::size_t start = at_;
        (void)take('-');
        if (!take('0') && !digits()) {
            return refuse();
        }
        if (take('.') && !digits()) {
            return refuse();
        }
        if (take('e') || take('E')) {
            if (!take('+')) {
                (void)take('-');
            }
            if (!digits()) {
                return refuse();
            }
        }
        if (!is_in_range(line_.substr(start, at_ - start))) {
            at_ = start;
            return refuse("a number out of the range of 64 bits");
        }
        return true;
    }

    bool digits()
    {
        const std::size_t start = at_;
        while (digit()) {
            ++at_;
        }
        return at_ > start;
    }

    bool literal(std::string_view word)
    {
        for (const char c : word) {
            if (!take(c)) {
                return refuse();
            }
        }
        return true;
    }

    std::string_view line_;
    std::size_t at_ = 0;
    std::optional<JsonFault> fault_;
};

}  // namespace

std::optional<JsonFault> find_json_fault(std::string_view line)
{
    return Scanner{line}.run();
}

}  // namespace jobmill
