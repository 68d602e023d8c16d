// SPDX-License-Identifier: MIT
#include "common/option_table.hpp"

#include <algorithm>
#include <string>

#include "common/cpu_list.hpp"
#include "common/halt.hpp"
#include "common/meta_fields.hpp"

namespace jobmill::options {
namespace {

std::string wanted(const Range& range)
{
    std::string text = "want a whole number of " + std::to_string(range.least) + " to " +
                       std::to_string(range.most);
    if (range.spelled == Spelled::number_or_unlimited) {
        text += ", or \"" + std::string{unlimited_word} + "\"";
    }
    return text;
}

/// What a text must be, beside short enough.
Result<void> judge_text(std::string_view name, std::string_view value)
{
    const auto is_fine = [](const auto&) {};
    if (name == "cpus") {
        return parse_cpu_list(value).map(is_fine);
    }
    if (name == "halt") {
        return parse_halt(value).map(is_fine);
    }
    return {};
}

Decoded<void> check_text(const TextOption& option, std::string_view value)
{
    if (value.size() > option.most) {
        return meta::bad_value(option.name,
                               "of " + std::to_string(value.size()) + " bytes; the limit is " +
                                   std::to_string(option.most),
                               option.most);
    }
    const Result<void> judged = value.empty() ? Result<void>{} : judge_text(option.name, value);
    return judged ? Decoded<void>{} : meta::bad_value(option.name, judged.error().what);
}

template <std::integral T>
Decoded<void> check_number(const Range& range, const std::optional<T>& value)
{
    const bool no_bound = value && std::cmp_equal(*value, unlimited);
    if (!value || (no_bound && range.spelled == Spelled::number_or_unlimited)) {
        return {};
    }
    if (!std::in_range<std::int64_t>(*value)) {
        return beyond(range);
    }
    const auto judged = judge(range, static_cast<std::int64_t>(*value));
    return judged ? Decoded<void>{} : tl::unexpected<ErrorReply>(judged.error());
}

}  // namespace

const NumberOption* find_number(std::string_view name) noexcept
{
    const auto* const found =
        std::find_if(numbers.begin(), numbers.end(),
                     [&](const NumberOption& option) { return option.range.name == name; });
    return found == numbers.end() ? nullptr : found;
}

const TextOption* find_text(std::string_view name) noexcept
{
    const auto* const found = std::find_if(
        texts.begin(), texts.end(), [&](const TextOption& option) { return option.name == name; });
    return found == texts.end() ? nullptr : found;
}

tl::unexpected<ErrorReply> beyond(const Range& range)
{
    return meta::bad_value(range.name, wanted(range), static_cast<std::uint64_t>(range.most));
}

tl::unexpected<ErrorReply> wrong_type(const Range& range)
{
    const bool word = range.spelled == Spelled::number_or_unlimited;
    return meta::wrong_type(range.name, word ? "a number, or \"unlimited\"" : "a number");
}

Decoded<Number> judge(const Range& range, std::int64_t value)
{
    if (value > range.most || (value < range.least && range.least < 0)) {
        return beyond(range);
    }
    if (value < range.least) {
        return meta::bad_value(range.name, wanted(range), static_cast<std::uint64_t>(range.least));
    }
    return Number{value};
}

Decoded<Number> judge(const Range& range, std::string_view word)
{
    if (range.spelled != Spelled::number_or_unlimited) {
        return wrong_type(range);
    }
    if (word != unlimited_word) {
        return meta::bad_value(range.name, wanted(range));
    }
    return Number{};
}

void set(const NumberOption& option, Number value, JobOptions& to)
{
    std::visit([&](auto member) { set(value, to.*member); }, option.member);
}

Decoded<void> set(const TextOption& option, std::string_view value, JobOptions& to)
{
    to.*option.member = value;
    return check_text(option, value);
}

Decoded<void> check_together(const JobOptions& options)
{
    if (!options.halt.empty() && options.batch.empty()) {
        return meta::missing("batch", "halt is of a batch: which?");
    }
    return {};
}

Decoded<void> check_together(const AdjustRequest& request)
{
    if (!request.pool.empty() && !request.label.empty()) {
        return meta::bad_value("label", "pool and label exclude each other");
    }
    if (request.weight && request.pool.empty() && request.label.empty()) {
        return meta::missing("pool", "a weight is of a pool or a label: which?");
    }
    return {};
}

Decoded<void> check(const JobOptions& options)
{
    if (options == JobOptions{}) {
        return {};
    }
    for (const NumberOption& option : numbers) {
        auto checked =
            std::visit([&](auto member) { return check_number(option.range, options.*member); },
                       option.member);
        if (!checked) {
            return checked;
        }
    }
    for (const TextOption& option : texts) {
        if (auto checked = check_text(option, options.*option.member); !checked) {
            return checked;
        }
    }
    return check_together(options);
}

Decoded<void> check(const AdjustRequest& request)
{
    auto checked = check_number(max_running, request.max_running);
    if (checked) {
        checked = check_number(weight, request.weight);
    }
    return checked ? check_together(request) : checked;
}

}  // namespace jobmill::options
