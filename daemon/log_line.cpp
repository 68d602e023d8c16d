// SPDX-License-Identifier: MIT
#include "daemon/log_line.hpp"

#include "common/json_writer.hpp"
#include "common/utf8.hpp"
#include "jobmill/bytes.hpp"

namespace jobmill::log {
namespace {

/// Of one text, before it is spelled.
constexpr std::size_t longest_text = 1'000;

/// Kept free for each field that is still to come: a number with the longest name.
constexpr std::size_t field_room = 40;

constexpr std::string_view cut_mark = "...";

/// `spell` of as much of the text as takes no more than `room` bytes.
template <typename Spell>
std::string fitted(std::string_view text, std::size_t room, const Spell& spell)
{
    std::string_view kept = utf8_head(text, longest_text);
    while (true) {
        std::string spelled =
            spell(std::string{kept} + std::string{kept.size() < text.size() ? cut_mark : ""});
        if (spelled.size() <= room || kept.empty()) {
            return spelled;
        }
        kept = utf8_head(text, kept.size() / 2);
    }
}

std::size_t room_for(std::size_t used, std::size_t fields_to_come)
{
    const std::size_t taken = used + fields_to_come * field_room;
    return taken < longest_line ? longest_line - taken : 0;
}

/// U+0080 to U+009F command terminals as well: `mark` and two digits for them.
std::string without_c1(const std::string& text, std::string_view mark)
{
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string safe;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
        if (text[i] == '\xc2' && next >= 0x80 && next < 0xa0) {
            safe += mark;
            safe += digits[next >> 4U];
            safe += digits[next & 0x0fU];
            ++i;
        } else {
            safe += text[i];
        }
    }
    return safe;
}

/// As it is when it is plainly one word, else in double quotes, with C's escapes.
std::string quoted_if_needed(const std::string& text)
{
    std::string quoted;
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted += '\\';
        }
        quoted += c;
    }
    quoted = without_c1(escaped(quoted), "\\x");
    const bool plain = quoted == text && quoted.find_first_of(" =") == std::string::npos;
    return plain ? quoted : '"' + quoted + '"';
}

std::string json_text(const std::string& text)
{
    Bytes spelled;
    JsonWriter{spelled}.text(to_valid_utf8(text));
    return without_c1(std::string{text_of(spelled)}, "\\u00");
}

/// Calls put(name, spelled value) for each field that is there.
template <typename Spell, typename Put>
void each_field(Fields fields, const std::string& line, const Spell& spell, const Put& put)
{
    std::size_t to_come = fields.size();
    for (const Field& field : fields) {
        --to_come;
        if (field.absent()) {
            continue;
        }
        if (const auto* text = std::get_if<std::string_view>(&field.value())) {
            const std::size_t room = room_for(line.size() + field_room, to_come);
            put(field.name(), fitted(*text, room, spell));
        } else if (const auto* positive = std::get_if<std::uint64_t>(&field.value())) {
            put(field.name(), std::to_string(*positive));
        } else {
            put(field.name(), std::to_string(std::get<std::int64_t>(field.value())));
        }
    }
}

}  // namespace

std::string text_line(EventName event, Fields fields)
{
    std::string line{event.words()};
    each_field(fields, line, quoted_if_needed,
               [&](std::string_view name, const std::string& value) {
                   line += ' ';
                   line += name;
                   line += '=';
                   line += value;
               });
    return line;
}

std::string json_members(EventName event, Fields fields)
{
    std::string line = "\"event\":\"" + std::string{event.words()} + '"';
    each_field(fields, line, json_text, [&](std::string_view name, const std::string& value) {
        line += ",\"";
        line += name;
        line += "\":";
        line += value;
    });
    return line;
}

}  // namespace jobmill::log
