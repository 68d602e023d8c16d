// SPDX-License-Identifier: MIT
// What CLI11 does not have of its own for jobmill's command line.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "client/commands/common_options.hpp"

namespace jobmill::commands {

/// An option whose word is judged later; an empty word is one, too.
inline CLI::Option* add_word(CLI::App& command, const char* names, Word& to, const char* help)
{
    return command.add_option_function<std::string>(
        names, [&to](const std::string& word) { to = word; }, help);
}

/// Of words that name something: what a script has not set is no wish for the default.
inline const CLI::Validator not_empty{
    [](const std::string& word) { return word.empty() ? "is empty" : std::string{}; }, ""};

inline CLI::Option* add_name(CLI::App& command, const char* names, std::string& to,
                             const char* help)
{
    return command.add_option(names, to, help)->type_name("NAME")->check(not_empty);
}

/// Help with one blank line where CLI11 leaves two, and none at its end.
class HelpFormat : public CLI::Formatter {
public:
    [[nodiscard]] std::string make_help(const CLI::App* app, std::string name,
                                        CLI::AppFormatMode mode) const override
    {
        std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
        for (auto at = text.find("\n\n\n"); at != std::string::npos; at = text.find("\n\n\n", at)) {
            text.erase(at, 1);
        }
        while (text.ends_with("\n\n")) {
            text.pop_back();
        }
        return text;
    }
};

}  // namespace jobmill::commands
