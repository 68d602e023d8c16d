// SPDX-License-Identifier: MIT
#include "common/quantities.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace jobmill {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

/// The first is the smallest, and those after "T" are written.
constexpr auto size_units = std::to_array<Unit>({{"", 1},
                                                 {"B", 1},
                                                 {"K", std::uint64_t{1} << 10U},
                                                 {"M", std::uint64_t{1} << 20U},
                                                 {"G", std::uint64_t{1} << 30U},
                                                 {"T", std::uint64_t{1} << 40U},
                                                 {"KiB", std::uint64_t{1} << 10U},
                                                 {"MiB", std::uint64_t{1} << 20U},
                                                 {"GiB", std::uint64_t{1} << 30U},
                                                 {"TiB", std::uint64_t{1} << 40U}});
constexpr auto duration_units =
    std::to_array<Unit>({{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}});

constexpr auto short_units = std::to_array<Unit>({{"us", 1}, {"ms", 1000}});

/// A number and one of the units; `what` says what was wanted.
Result<std::uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units,
                                     const char* what)
{
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    unit.remove_prefix(std::min(unit.find_first_not_of(' '), unit.size()));
    const auto found = std::find_if(units.begin(), units.end(),
                                    [&](const Unit& each) { return each.name == unit; });
    if (error != std::errc{} || found == units.end() ||
        number > std::numeric_limits<std::uint64_t>::max() / 2 / found->factor) {
        return fail(Errc::invalid, "\"" + std::string{text} + "\": want " + what);
    }
    return number * found->factor;
}

/// None is smaller than the first.
const Unit& largest_unit(std::uint64_t quantity, std::span<const Unit> units)
{
    const auto found = std::find_if(units.rbegin(), units.rend(), [&](const Unit& each) {
        return quantity >= each.factor && quantity % each.factor == 0;
    });
    return found == units.rend() ? units.front() : *found;
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text)
{
    return parse_quantity(text, size_units, "a size such as \"64 MiB\"");
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text)
{
    JOBMILL_TRY_ASSIGN(
        const std::uint64_t count,
        parse_quantity(text, duration_units, "a duration such as \"500ms\" or \"5s\""));
    return std::chrono::milliseconds{static_cast<std::int64_t>(count)};
}

Result<std::chrono::microseconds> parse_short_duration(std::string_view text)
{
    JOBMILL_TRY_ASSIGN(
        const std::uint64_t count,
        parse_quantity(text, short_units, "a short duration such as \"20us\" or \"1ms\""));
    return std::chrono::microseconds{static_cast<std::int64_t>(count)};
}

std::string size_text(std::uint64_t bytes)
{
    const Unit& unit = largest_unit(bytes, size_units);
    return std::to_string(bytes / unit.factor) + (unit.factor == 1 ? "" : " ") +
           std::string{unit.factor == 1 ? "" : unit.name};
}

std::string duration_text(std::chrono::milliseconds duration)
{
    const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()));
    const Unit& unit = largest_unit(count, duration_units);
    return std::to_string(count / unit.factor) + std::string{count == 0 ? "s" : unit.name};
}

std::string short_duration_text(std::chrono::microseconds duration)
{
    const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()));
    const Unit& unit = largest_unit(count, short_units);
    return std::to_string(count / unit.factor) + std::string{unit.name};
}

}  // namespace jobmill
