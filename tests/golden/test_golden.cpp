// SPDX-License-Identifier: MIT
// Messages against the bytes that version 1 was released with. When one of these fails, the wire
// has changed: a client that was built before would no longer understand the daemon.
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "common/json_lines.hpp"
#include "tests/golden/samples.hpp"

using namespace jobmill;

namespace {

const std::filesystem::path directory{JOBMILL_GOLDEN_DIRECTORY};

std::string contents(const std::string& name)
{
    std::ifstream file{directory / name, std::ios::binary};
    REQUIRE_MESSAGE(file, name);
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

}  // namespace

TEST_CASE("every message is encoded to its stored bytes")
{
    for (const test::Sample& sample : test::samples()) {
        CAPTURE(sample.name);
        const Bytes bytes = test::encoded(sample.message);
        CHECK(text_of(bytes) == contents(std::string{sample.name} + ".bin"));
    }
}

TEST_CASE("the stored bytes are decoded to every message")
{
    for (const test::Sample& sample : test::samples()) {
        CAPTURE(sample.name);
        const std::string stored = contents(std::string{sample.name} + ".bin");
        const test::Route route = test::route_of(sample.message);
        FrameSplitter splitter{route.link, route.direction};
        splitter.feed(bytes_of(stored));
        const auto frame = splitter.next();
        REQUIRE(frame.has_value());
        REQUIRE(frame->has_value());
        CHECK(splitter.partial() == 0);
        const auto message = test::decoded(**frame, route);
        REQUIRE(message.has_value());
        CHECK(message->index() == sample.message.index());
        const Bytes again = test::encoded(*message);
        CHECK(text_of(again) == stored);
    }
}

TEST_CASE("every message that JSON has is spelled as its stored line")
{
    for (const test::Sample& sample : test::samples()) {
        if (!sample.json.empty()) {
            CAPTURE(sample.name);
            CHECK(sample.json + "\n" == contents(std::string{sample.name} + ".json"));
        }
    }
}

TEST_CASE("a stored line means the same as the stored bytes beside it")
{
    JsonDecoder decoder;
    for (const test::Sample& sample : test::samples()) {
        if (!std::holds_alternative<Request>(sample.message) || sample.json.empty()) {
            continue;
        }
        CAPTURE(sample.name);
        std::string line = contents(std::string{sample.name} + ".json");
        line.pop_back();
        auto request = decoder.decode(line);
        REQUIRE(request.has_value());
        test::set_tag(request->request, Tag{7});
        const Bytes bytes = test::encoded(request->request);
        CHECK(text_of(bytes) == contents(std::string{sample.name} + ".bin"));
    }
}

TEST_CASE("every type of message has stored bytes")
{
    std::set<MessageType> stored;
    for (const test::Sample& sample : test::samples()) {
        const std::string bytes = contents(std::string{sample.name} + ".bin");
        stored.insert(static_cast<MessageType>(static_cast<std::uint8_t>(bytes.at(4))));
    }
    for (const MessageRow& row : message_table) {
        CAPTURE(row.name);
        CHECK(stored.contains(row.type));
    }
}

TEST_CASE("every stored file belongs to a message")
{
    std::set<std::string> known;
    for (const test::Sample& sample : test::samples()) {
        CHECK_MESSAGE(known.insert(std::string{sample.name} + ".bin").second, "a name given twice");
        if (!sample.json.empty()) {
            known.insert(std::string{sample.name} + ".json");
        }
    }
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
        CAPTURE(entry.path().filename().string());
        CHECK(known.contains(entry.path().filename().string()));
    }
}
