// SPDX-License-Identifier: MIT
#include "common/halt.hpp"

#include <charconv>

namespace jobmill {
namespace {

constexpr std::uint32_t most_percent = 100;

bool take_prefix(std::string_view& text, std::string_view prefix)
{
    const bool begins = text.starts_with(prefix);
    text.remove_prefix(begins ? prefix.size() : 0);
    return begins;
}

}  // namespace

Result<Halt> parse_halt(std::string_view text)
{
    Halt halt;
    std::string_view rest = text;
    halt.now = take_prefix(rest, "now,fail=");
    if (!halt.now && !take_prefix(rest, "soon,fail=")) {
        return fail(Errc::invalid, "want now or soon, then ,fail=N or ,fail=N%");
    }
    if (rest.ends_with('%')) {
        halt.percent = true;
        rest.remove_suffix(1);
    }
    const char* end = rest.data() + rest.size();
    const auto read = std::from_chars(rest.data(), end, halt.fail);
    if (rest.empty() || read.ptr != end || read.ec != std::errc{} || halt.fail == 0) {
        return fail(Errc::invalid, "want a whole number of failures, 1 or more, after fail=");
    }
    if (halt.percent && halt.fail > most_percent) {
        return fail(Errc::invalid, "want at most fail=100%");
    }
    return halt;
}

}  // namespace jobmill
