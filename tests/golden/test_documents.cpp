// SPDX-License-Identifier: MIT
// The tables of PROTOCOL.md against the tables of the code.
#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/limits.hpp"
#include "common/message_table.hpp"
#include "common/msgpack.hpp"
#include "common/option_table.hpp"
#include "common/segment_layout.hpp"
#include "daemon/core/job_lifecycle.hpp"
#include "jobmill/cause_kind.hpp"
#include "jobmill/error_code.hpp"
#include "jobmill/job_state.hpp"
#include "tests/golden/samples.hpp"

using namespace jobmill;

namespace {

using Row = std::vector<std::string>;

std::string trimmed(const std::string& text)
{
    const auto first = text.find_first_not_of(' ');
    const auto last = text.find_last_not_of(' ');
    return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

std::vector<std::string> lines_of(const char* path)
{
    std::ifstream file{path};
    REQUIRE(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
        lines.push_back(line);
    }
    return lines;
}

Row cells_of(const std::string& line)
{
    Row cells;
    std::istringstream stream{line.substr(1)};
    for (std::string cell; std::getline(stream, cell, '|');) {
        cells.push_back(trimmed(cell));
    }
    return cells;
}

/// The rows of the table whose heading begins with these cells.
std::vector<Row> table(const Row& heading)
{
    static const std::vector<std::string> lines = lines_of(JOBMILL_PROTOCOL_FILE);
    std::vector<Row> rows;
    bool inside = false;
    for (const std::string& line : lines) {
        if (!line.starts_with('|')) {
            if (inside) {
                break;
            }
            continue;
        }
        const Row cells = cells_of(line);
        if (inside && !line.starts_with("|--")) {
            rows.push_back(cells);
        }
        inside = inside || (cells.size() >= heading.size() &&
                            std::equal(heading.begin(), heading.end(), cells.begin()));
    }
    CHECK_MESSAGE(!rows.empty(), "no table with the heading ", heading.front());
    return rows;
}

std::string grouped(std::uint64_t number)
{
    const std::string plain = std::to_string(number);
    std::string digits;
    for (std::size_t i = 0; i < plain.size(); ++i) {
        if (i > 0 && (plain.size() - i) % 3 == 0) {
            digits += ',';
        }
        digits += plain[i];
    }
    return digits;
}

/// As the document spells bounds: 1,000, but powers of two.
std::string bound(std::int64_t number)
{
    return number == options::any         ? "2^63-1"
           : number == options::any_count ? "2^32-1"
           : number < 0                   ? std::to_string(number)
                                          : grouped(static_cast<std::uint64_t>(number));
}

std::string name_of(Link link)
{
    return link == Link::client ? "client" : link == Link::worker ? "worker" : "template";
}

std::string name_of(Direction direction)
{
    return direction == Direction::both        ? "both"
           : direction == Direction::to_daemon ? "to_daemon"
                                               : "from_daemon";
}

}  // namespace

TEST_CASE("the message types of the document are those of the code")
{
    std::vector<Row> expected;
    expected.reserve(message_table.size());
    for (const MessageRow& row : message_table) {
        expected.push_back({std::to_string(static_cast<unsigned>(row.type)), std::string{row.name},
                            name_of(row.link), name_of(row.direction), std::to_string(row.fixed),
                            std::to_string(row.since)});
    }
    CHECK(table({"type", "name"}) == expected);
}

TEST_CASE("numbers and names of messages are each given once")
{
    for (const MessageRow& row : message_table) {
        const auto same = [&](const MessageRow& other) {
            return other.type == row.type || other.name == row.name;
        };
        CAPTURE(row.name);
        CHECK(std::count_if(message_table.begin(), message_table.end(), same) == 1);
    }
}

TEST_CASE("the job states of the document are those of the code")
{
    const std::vector<Row> rows = table({"state", "name"});
    REQUIRE(rows.size() == job_state_names.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CHECK(rows[i][0] == std::to_string(i));
        CHECK(rows[i][1] == job_state_names.at(i));
        const bool terminal = is_terminal(static_cast<JobState>(i));
        CHECK((rows[i].size() > 2 && rows[i][2] == "not terminal") == !terminal);
    }
}

TEST_CASE("the kinds of causes of the document are those of the code, with the states they explain")
{
    std::vector<Row> expected;
    for (const CauseKind& kind : cause_kinds) {
        std::string states;
        for (std::size_t i = 0; i < job_state_names.size(); ++i) {
            if (kind.explains(static_cast<JobState>(i))) {
                states += (states.empty() ? "" : ", ") + std::string{job_state_names.at(i)};
            }
        }
        expected.push_back({std::string{kind.name}, states});
    }
    std::vector<Row> documented = table({"kind", "which states"});
    for (Row& row : documented) {
        REQUIRE(row.size() == 3);
        CHECK_MESSAGE(!row[2].empty(), row[0]);
        row.pop_back();
    }
    CHECK(documented == expected);
}

TEST_CASE("the limits that a cause may name are documented")
{
    std::string expected;
    for (const LimitName& limit : limit_names) {
        expected += (expected.empty() ? "`" : ", `") + std::string{limit.name} + "`";
    }
    for (const Row& row : table({"cause", "type"})) {
        if (row[0] == "limit") {
            CHECK(row[2] == expected);
        }
    }
}

TEST_CASE("what a cancel may name is documented by its number")
{
    const std::vector<Row> rows = table({"what", ""});
    REQUIRE(rows.size() == static_cast<std::size_t>(CancelWhat::session) + 1);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CHECK(rows[i][0] == std::to_string(i));
    }
}

TEST_CASE("the error codes of the document are those of the code")
{
    std::vector<std::string> documented;
    for (const Row& row : table({"code", "meaning"})) {
        documented.push_back(row[0]);
    }
    // Each constant of error_code has the name of its text, so the header itself is the list.
    std::vector<std::string> coded;
    for (const std::string& line : lines_of(JOBMILL_ERROR_CODES_FILE)) {
        const auto quote = line.find("constexpr auto ");
        if (quote != std::string::npos) {
            const auto open = line.find('"');
            coded.push_back(line.substr(open + 1, line.rfind('"') - open - 1));
            CHECK(line.find("constexpr auto " + coded.back() + " = ") != std::string::npos);
        }
    }
    CHECK(documented == coded);
}

TEST_CASE("the limits of the document are those of the code")
{
    const std::vector<std::pair<std::string, std::uint64_t>> limits{
        {"frame, header included; JSON line, newline included", limits::frame},
        {"payload inside one frame (inline)", limits::inline_payload},
        {"piece", limits::piece},
        {"metadata map", limits::meta},
        {"names of pools, handlers and batches, labels, JSON ids", limits::name},
        {"nesting of JSON and of `args`", limits::depth},
        {"halt rule", limits::halt},
        {"jobs of one submit_many", limits::submit_many},
        {"jobs of one submit_many with `each`", limits::submit_each},
        {"opened handlers of a session", limits::opened_handlers},
        {"refused submits of a session whose pieces are missing", limits::refused_uploads},
        {"labels with rules, of the configuration or of `adjust`", limits::labels},
        {"ping payload", limits::ping_payload}};
    const std::vector<Row> rows = table({"limit", "value"});
    for (const auto& each : limits) {
        const auto& name = each.first;
        const std::uint64_t value = each.second;
        CAPTURE(name);
        const auto row = std::find_if(rows.begin(), rows.end(),
                                      [&](const Row& candidate) { return candidate[0] == name; });
        REQUIRE(row != rows.end());
        const std::string digits = (*row)[1].substr(0, (*row)[1].find(' '));
        CHECK((digits == grouped(value) || digits == std::to_string(value)));
    }
    constexpr std::size_t configured = 2;  // max_payload, of payloads and of results
    CHECK(rows.size() == limits.size() + configured);
}

TEST_CASE("the options of the document are those of the code, with their ranges")
{
    std::vector<Row> expected;
    for (const options::NumberOption& option : options::numbers) {
        const bool word = option.range.spelled == options::Spelled::number_or_unlimited;
        expected.push_back({std::string{option.range.name}, bound(option.range.least) + " to " +
                                                                bound(option.range.most) +
                                                                (word ? ", or unlimited" : "")});
    }
    for (const options::TextOption& option : options::texts) {
        expected.push_back(
            {std::string{option.name}, "text, " + std::to_string(option.most) + " bytes"});
    }
    std::vector<Row> documented = table({"option", "range"});
    for (Row& row : documented) {
        REQUIRE(row.size() == 3);
        CHECK_MESSAGE(!row[2].empty(), row[0]);
        row.pop_back();
    }
    CHECK(documented == expected);
}

TEST_CASE("what a result says of its cause and course is documented, key by key")
{
    const auto keys_of = [](std::string_view name) {
        const auto sample =
            std::find_if(test::samples().begin(), test::samples().end(),
                         [&](const test::Sample& candidate) { return candidate.name == name; });
        REQUIRE(sample != test::samples().end());
        FrameSplitter splitter{Link::client, Direction::from_daemon};
        splitter.feed(test::encoded(sample->message));
        const Value meta = msgpack::decode((**splitter.next()).meta).value();
        std::vector<std::string> keys;
        for (const auto& [key, value] : std::get<Map>(meta)) {
            keys.push_back(key);
        }
        return keys;
    };
    const auto first_cells = [](const Row& heading) {
        std::vector<std::string> cells;
        for (const Row& row : table(heading)) {
            cells.push_back(row[0]);
        }
        return cells;
    };
    CHECK(first_cells({"cause", "type"}) == keys_of("result_every_cause"));
    CHECK(first_cells({"course", "type"}) == keys_of("result_attempts"));
}

TEST_CASE("the segment of the document is that of the code")
{
    const std::vector<std::pair<std::size_t, std::string>> expected{
        {0, "magic"},
        {offsetof(SegmentLayout, cancel), "cancel"},
        {offsetof(SegmentLayout, taken), "taken"},
        {offsetof(SegmentLayout, max_payload), "max_payload"},
        {offsetof(SegmentLayout, heartbeat), "heartbeat"},
        {offsetof(SegmentLayout, looked), "looked"},
        {offsetof(SegmentLayout, peak_before), "peak_before"},
        {offsetof(SegmentLayout, cpu_before), "cpu_before"},
        {offsetof(SegmentLayout, cpu), "cpu"},
        {offsetof(SegmentLayout, progress), "progress"},
        {offsetof(SegmentLayout, last_words_size), "last_words_size"},
        {offsetof(SegmentLayout, committed), "committed"},
        {offsetof(SegmentLayout, written), "written"},
        {offsetof(SegmentLayout, claims), "256 claim words"},
        {offsetof(SegmentLayout, outbox), "outbox"},
        {offsetof(SegmentLayout, stack_size), "stack_size"}};
    const std::vector<Row> rows = table({"offset", "what"});
    REQUIRE(rows.size() == expected.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CHECK(rows[i][0] == std::to_string(expected[i].first));
        CHECK(rows[i][1].starts_with(expected[i].second));
    }
}

TEST_CASE("the document's life of a job is the code's")
{
    std::vector<Row> expected;
    for (const core::JobRow& row : core::job_rows) {
        const auto stage = [](core::JobStage each) {
            return std::string{core::job_stage_names.at(static_cast<std::size_t>(each))};
        };
        const bool ends = row.to == core::JobStage::ended;
        expected.push_back({stage(row.from),
                            std::string{core::job_word_names.at(static_cast<std::size_t>(row.on))},
                            stage(row.to),
                            ends ? std::string{jobmill::name_of(row.act.state)} : std::string{}});
    }
    CHECK(table({"stage", "word", "becomes", "ends as"}) == expected);
}
