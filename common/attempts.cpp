// SPDX-License-Identifier: MIT
#include "common/attempts.hpp"

#include <algorithm>

#include "common/limits.hpp"
#include "common/utf8.hpp"

namespace jobmill {

std::span<const Attempt> newest(const std::vector<Attempt>& attempts) noexcept
{
    return std::span{attempts}.last(std::min(attempts.size(), limits::attempts));
}

Attempt shortened(const Attempt& attempt)
{
    Attempt shorter = attempt;
    for (const auto member : {&Cause::text, &Cause::last_words, &Cause::stack}) {
        std::string& text = shorter.cause.*member;
        text = utf8_cut(text, limits::attempt_text);
    }
    // The last words of a program say more than its first.
    std::string& tail = shorter.cause.stderr_tail;
    tail = utf8_cut_front(tail, limits::attempt_text);
    return shorter;
}

}  // namespace jobmill
