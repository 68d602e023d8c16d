// SPDX-License-Identifier: MIT
#include "client/commands/command_text.hpp"

#include <optional>

#include "client/commands/placeholders.hpp"

namespace jobmill::commands {
namespace {

constexpr std::size_t largest_item = 4096;

bool is_plain(std::string_view word)
{
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:+@%^";
    return !word.empty() && word.find_first_not_of(plain) == std::string_view::npos;
}

/// KEY=VALUE is plain, too, unless it comes first, where it sets a variable.
std::string shell_word(std::string_view word, bool first)
{
    const std::size_t equals = first ? std::string_view::npos : word.find('=');
    const bool plain = equals == std::string_view::npos
                           ? is_plain(word)
                           : is_plain(word.substr(0, equals)) &&
                                 (equals + 1 == word.size() || is_plain(word.substr(equals + 1)));
    return plain ? std::string{word} : quoted(word);
}

/// What handler_text() says of an item that it leaves out.
bool left_out(const std::string& text)
{
    return text.find(" - # ") != std::string::npos && text.ends_with(" bytes");
}

/// The job of a line that handler_text() made; none of another one.
std::optional<WorkOptions> handler_work(const std::vector<std::string>& words)
{
    WorkOptions found;
    std::size_t i = 2;
    for (; i + 1 < words.size() && (words[i] == "-p" || words[i] == "-a"); i += 2) {
        if (words[i] == "-a") {
            found.args.push_back(words[i + 1]);
        } else {
            found.pool = words[i + 1];
        }
    }
    if (words.size() != i + 3 || words[i + 1] != "--" || words[i].empty()) {
        return {};
    }
    found.handler = words[i];
    found.payload = words[i + 2];
    found.has_payload = found.payload_is_text = true;
    return found;
}

}  // namespace

std::string command_text(std::span<const std::string> words)
{
    std::string line;
    for (const std::string& word : words) {
        line += line.empty() ? shell_word(word, true) : " " + shell_word(word, false);
    }
    return line;
}

std::string handler_text(const WorkOptions& work, std::string_view item)
{
    std::vector<std::string> words{"jobmill", "run"};
    if (!work.pool.empty()) {
        words.insert(words.end(), {"-p", work.pool});
    }
    for (const std::string& arg : work.args) {
        words.insert(words.end(), {"-a", arg});
    }
    words.push_back(work.handler);
    if (item.size() > largest_item || item.find('\0') != std::string_view::npos) {
        return command_text(words) + " - # " + std::to_string(item.size()) + " bytes";
    }
    words.insert(words.end(), {"--", std::string{item}});
    return command_text(words);
}

Result<std::vector<std::string>> split_words(std::string_view text)
{
    std::vector<std::string> words;
    bool in_word = false;
    bool in_quotes = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (!in_quotes && (c == ' ' || c == '\t')) {
            in_word = false;
            continue;
        }
        if (!in_word) {
            words.emplace_back();
            in_word = true;
        }
        if (c == '\'') {
            in_quotes = !in_quotes;
        } else if (!in_quotes && c == '\\' && i + 1 < text.size()) {
            words.back() += text[++i];
        } else {
            words.back() += c;
        }
    }
    if (in_quotes) {
        return fail(Errc::invalid, "a quote has no end");
    }
    return words;
}

Result<WorkOptions> work_of(const std::string& text, const WorkOptions& work)
{
    WorkOptions to;
    to.command = {text};
    to.shell = true;
    if (text.starts_with("jobmill run ")) {
        if (left_out(text)) {
            return fail(Errc::invalid, "the log has not all of it: " + text);
        }
        const auto words = split_words(text);
        if (auto found = words ? handler_work(*words) : std::nullopt) {
            to = std::move(*found);
        }
    }
    to.pool = work.pool.empty() ? to.pool : work.pool;
    to.label = work.label;
    to.options = work.options;
    return to;
}

}  // namespace jobmill::commands
