// SPDX-License-Identifier: MIT
// reload, daemon log-level: what a running daemon is told about itself.
#include <algorithm>
#include <array>
#include <string_view>

#include "client/commands/ask.hpp"
#include "client/commands/json_output.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/outcome.hpp"
#include "client/commands/session.hpp"
#include "common/exit_code.hpp"
#include "common/utf8.hpp"

namespace jobmill::commands {
namespace {

std::string changes_text(const Value& body)
{
    std::string text;
    const Value* changes = body.find("changes");
    if (changes != nullptr && changes->array() != nullptr) {
        for (const Value& change : *changes->array()) {
            text += change.text() != nullptr ? escaped(*change.text()) + "\n" : "";
        }
    }
    const std::string file = escaped(body.text_at("file"));
    return !text.empty() ? text
                         : (file.empty() ? "no configuration file" : file) + ": nothing changed\n";
}

int refused(const ErrorReply& error, bool said)
{
    if (!said) {
        notice(text_of_error(error));
    }
    return error.code == error_code::bad_config ? exit_code::bad_config : exit_code::jobmill_failed;
}

int print(const CommonOptions& common, const ClientEvent& event)
{
    if (const auto* error = std::get_if<event::JobError>(&event)) {
        return refused(error->error, common.json && print_json(event, ""));
    }
    std::string text;
    if (const auto* reloaded = std::get_if<event::Reloaded>(&event)) {
        text = changes_text(reloaded->body);
    } else if (const auto* level = std::get_if<event::LogLevel>(&event)) {
        text = escaped(level->body.text_at("level")) + "\n";
    }
    return print_answer(common, event, text);
}

int tell(const CommonOptions& common, Result<Tag> (*request)(Client&, const std::string&),
         const std::string& word)
{
    auto client = open_session(common, false);
    if (!client) {
        return gave_up(client.error());
    }
    const Answer answer = ask(*client, request(*client, word));
    if (!answer || !*answer) {
        return *not_answered(common, answer);
    }
    return print(common, **answer);
}

}  // namespace

int reload(const CommonOptions& common)
{
    return tell(
        common, [](Client& client, const std::string&) { return client.reload(); }, "");
}

int daemon_log_level(const CommonOptions& common, const std::string& level)
{
    static constexpr std::array<std::string_view, 4> levels{"debug", "info", "warning", "error"};
    if (!level.empty() && std::ranges::find(levels, level) == levels.end()) {
        return misused({Errc::invalid,
                        "log level \"" + level + "\": want one of debug, info, warning, error"});
    }
    return tell(
        common, [](Client& client, const std::string& word) { return client.log_level(word); },
        level);
}

}  // namespace jobmill::commands
