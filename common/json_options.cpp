// SPDX-License-Identifier: MIT
#include "common/json_options.hpp"

#include <array>

#include "common/limits.hpp"
#include "common/nearest.hpp"

namespace jobmill::json {
namespace {

Decoded<bool> took(const Decoded<void>& taken)
{
    return taken.map([] { return true; });
}

Decoded<bool> take_inputs(const Element& value, std::vector<std::string_view>& ids)
{
    simdjson::dom::array items;
    if (value.get(items) != simdjson::SUCCESS) {
        return wrong_type("inputs", "a list of strings");
    }
    for (const Element item : items) {
        if (ids.size() == limits::inputs) {
            return refuse(error_code::bad_value, "inputs",
                          "a job has " + std::to_string(limits::inputs) + " at most",
                          limits::inputs);
        }
        std::string_view id;
        if (auto taken = take_name(item, "inputs", id); !taken) {
            return Refusal{std::move(taken).error()};
        }
        ids.push_back(id);
    }
    return true;
}

}  // namespace

Decoded<options::Number> take_number(const Element& value, const options::Range& range)
{
    if (range.spelled == options::Spelled::digits) {
        JobId job{};
        if (auto taken = take(value, range.name, job); !taken) {
            return Refusal{std::move(taken).error()};
        }
        return std::in_range<std::int64_t>(number(job))
                   ? options::judge(range, static_cast<std::int64_t>(number(job)))
                   : options::beyond(range);
    }
    std::string_view word;
    if (value.get(word) == simdjson::SUCCESS) {
        return options::judge(range, word);
    }
    if (!value.is_number()) {
        return options::wrong_type(range);
    }
    std::int64_t number = 0;
    if (value.get(number) != simdjson::SUCCESS) {
        return options::beyond(range);
    }
    return options::judge(range, number);
}

Decoded<bool> take_option(std::string_view key, const Element& value, SubmitOptions& options)
{
    for (const options::NameOption& row : options::names) {
        if (row.name == key) {
            return took(take_name(value, key, options.*row.member));
        }
    }
    for (const options::Flag& row : options::flags) {
        if (row.name == key) {
            return took(take(value, key, options.*row.member));
        }
    }
    if (key == "blob") {
        options.blob = 0;
        return took(take_name(value, key, options.blob_id));
    }
    if (key == "inputs") {
        return take_inputs(value, options.input_ids.edit());
    }
    if (const auto* option = options::find_number(key)) {
        return take_number(value, option->range).map([&](const options::Number& taken) {
            options::set(*option, taken, options.job.edit());
            return true;
        });
    }
    if (const auto* option = options::find_text(key)) {
        std::string_view text;
        const auto taken = take(value, key, text);
        return took(taken ? options::set(*option, text, options.job.edit()) : taken);
    }
    return false;
}

Refusal unknown_option(std::string_view key, std::span<const std::string_view> others)
{
    std::vector<std::string_view> members{others.begin(), others.end()};
    const auto add = [&](const auto& table) {
        for (const auto& row : table) {
            members.push_back(row.name);
        }
    };
    add(options::names);
    add(options::flags);
    add(options::texts);
    for (const auto& option : options::numbers) {
        members.push_back(option.range.name);
    }
    return refuse(error_code::unknown_option, key,
                  "no option " + quoted(key) + did_you_mean(key, members));
}

Decoded<void> check_options(const SubmitOptions& options)
{
    if (options.handler.empty()) {
        return refuse(error_code::missing_field, "handler", "which handler?");
    }
    return options::check_together(options.job);
}

}  // namespace jobmill::json
