// SPDX-License-Identifier: MIT
#include "common/cpu_list.hpp"

#include <charconv>
#include <string>

namespace jobmill {
namespace {

constexpr unsigned last_cpu = 63;

Result<unsigned> parse_cpu(std::string_view digits)
{
    unsigned cpu = 0;
    const char* end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, cpu);
    if (digits.empty() || read.ptr != end || read.ec == std::errc::invalid_argument) {
        return fail(Errc::invalid, "want CPUs and ranges of them, such as 0,2-3");
    }
    if (read.ec != std::errc{} || cpu > last_cpu) {
        return fail(Errc::invalid, "want CPUs of 0 to " + std::to_string(last_cpu));
    }
    return cpu;
}

Result<std::uint64_t> parse_range(std::string_view range)
{
    const auto dash = range.find('-');
    JOBMILL_TRY_ASSIGN(const unsigned first, parse_cpu(range.substr(0, dash)));
    unsigned last = first;
    if (dash != std::string_view::npos) {
        JOBMILL_TRY_ASSIGN(last, parse_cpu(range.substr(dash + 1)));
    }
    if (last < first) {
        return fail(Errc::invalid, "a range of CPUs that ends before it begins");
    }
    return (~std::uint64_t{0} >> (last_cpu - (last - first))) << first;
}

}  // namespace

Result<std::uint64_t> parse_cpu_list(std::string_view text)
{
    std::uint64_t cpus = 0;
    while (true) {
        const auto comma = text.find(',');
        JOBMILL_TRY_ASSIGN(const std::uint64_t range, parse_range(text.substr(0, comma)));
        cpus |= range;
        if (comma == std::string_view::npos) {
            return cpus;
        }
        text.remove_prefix(comma + 1);
    }
}

}  // namespace jobmill
