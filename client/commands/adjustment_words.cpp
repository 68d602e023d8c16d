// SPDX-License-Identifier: MIT
#include "client/commands/adjustment_words.hpp"

#include <charconv>

#include "client/commands/arguments.hpp"
#include "common/option_table.hpp"

namespace jobmill::commands {
namespace {

template <typename T>
Result<void> read(const char* option, const Word& word, const options::Range& range,
                  std::optional<T>& to)
{
    if (!word) {
        return {};
    }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(word->data(), word->data() + word->size(), value);
    const bool whole = error == std::errc{} && end == word->data() + word->size();
    const bool no_bound =
        range.spelled == options::Spelled::number_or_unlimited && *word == options::unlimited_word;
    if (no_bound) {
        to = static_cast<T>(unlimited);
        return {};
    }
    if (!whole || value < range.least || value > range.most) {
        return fail(
            Errc::invalid,
            std::string{option} + ": \"" + *word + "\": want a whole number, " +
                std::to_string(range.least) + " to " + std::to_string(range.most) +
                (range.spelled == options::Spelled::number_or_unlimited ? ", or unlimited" : ""));
    }
    to = static_cast<T>(value);
    return {};
}

}  // namespace

Result<Adjustment> parse_adjustment(const SetOptions& words)
{
    if (words.weight && words.pool.empty() && words.label.empty()) {
        return fail(Errc::invalid, "--weight is of a --pool or a --label: which?");
    }
    JOBMILL_TRY(check_name("--pool", words.pool));
    JOBMILL_TRY(check_name("--label", words.label));
    Adjustment to{.pool = words.pool, .label = words.label};
    JOBMILL_TRY(read("--max-running", words.max_running, options::max_running, to.max_running));
    JOBMILL_TRY(read("--weight", words.weight, options::weight, to.weight));
    return to;
}

}  // namespace jobmill::commands
