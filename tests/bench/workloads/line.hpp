// SPDX-License-Identifier: MIT
// One line of JSON, written member by member, printed when it is whole.
#pragma once

#include <concepts>
#include <cstdio>
#include <string>
#include <string_view>

namespace jobmill::bench {

class Line {
public:
    Line(std::string_view bench, std::string_view peer)
    {
        (void)text("bench", bench).text("peer", peer);
    }

    /// Neither name nor text has anything that JSON would escape.
    Line& text(std::string_view name, std::string_view value)
    {
        return member(name, '"' + std::string{value} + '"');
    }
    template <std::integral Number>
    Line& number(std::string_view name, Number value)
    {
        return member(name, std::to_string(value));
    }
    Line& number(std::string_view name, double value)
    {
        return member(name, std::to_string(value));
    }
    void print() const
    {
        (void)std::printf("%s}\n", line_.c_str());
        (void)std::fflush(stdout);
    }

private:
    Line& member(std::string_view name, const std::string& value)
    {
        line_ += line_.empty() ? '{' : ',';
        line_.append("\"").append(name).append("\":").append(value);
        return *this;
    }

    std::string line_;
};

}  // namespace jobmill::bench
