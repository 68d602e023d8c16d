// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "common/blob.hpp"
#include "daemon/incoming_payloads.hpp"
#include "jobmill/error_code.hpp"

using namespace jobmill;
using namespace jobmill::daemon;

namespace {

constexpr Tag tag{7};

Piece piece(std::string_view text, bool more, Tag of = tag)
{
    return Piece{.tag = of, .more = more, .payload = bytes_of(text)};
}

void begin(IncomingPayloads& incoming, std::uint64_t size, std::string_view first, Tag of = tag)
{
    Submission submission;
    submission.content = JobContent{"label", {}, {}};
    auto blob = make_blob(size);
    REQUIRE(blob.has_value());
    REQUIRE(write_blob(blob->get(), 0, bytes_of(first)).has_value());
    submission.content.set_blob(std::move(*blob), size);
    incoming.begin(of, std::move(submission), {}, first.size());
}

std::string payload_of(const JobContent& content)
{
    std::string text(content.payload_size(), '?');
    REQUIRE(
        read_blob(content.blob().get(), 0, std::as_writable_bytes(std::span{text})).has_value());
    return text;
}

std::string refused(IncomingPayloads& incoming, const Piece& added)
{
    const auto result = incoming.add(added);
    REQUIRE_FALSE(result.has_value());
    return result.error().code;
}

void swallowed(IncomingPayloads& incoming, const Piece& added, bool ends)
{
    const auto result = incoming.add(added);
    REQUIRE(result.has_value());
    CHECK_FALSE(result->whole.has_value());
    CHECK(result->refused_ended == ends);
}

}  // namespace

TEST_CASE("pieces that add up make the payload")
{
    IncomingPayloads incoming;
    begin(incoming, 11, "hello");
    CHECK(incoming.contains(tag));
    CHECK(incoming.size() == 1);
    CHECK(incoming.bytes() == 11);
    const auto middle = incoming.add(piece(" wo", true));
    REQUIRE(middle.has_value());
    CHECK_FALSE(middle->whole.has_value());
    auto last = incoming.add(piece("rld", false));
    REQUIRE(last.has_value());
    REQUIRE(last->whole.has_value());
    CHECK(payload_of(last->whole->content) == "hello world");
    CHECK(last->whole->content.label() == "label");
    CHECK_FALSE(incoming.contains(tag));
    CHECK(incoming.size() == 0);
    CHECK(incoming.bytes() == 0);
}

TEST_CASE("the last piece may be empty")
{
    IncomingPayloads incoming;
    begin(incoming, 4, "ab");
    CHECK(incoming.add(piece("cd", true)).has_value());
    const auto last = incoming.add(piece("", false));
    REQUIRE(last.has_value());
    CHECK(payload_of(last->whole.value().content) == "abcd");
}

TEST_CASE("payloads of several submits grow side by side")
{
    IncomingPayloads incoming;
    begin(incoming, 4, "a", Tag{1});
    begin(incoming, 4, "b", Tag{2});
    CHECK(incoming.bytes() == 8);
    CHECK(incoming.add(piece("aa", true, Tag{1})).has_value());
    const auto second = incoming.add(piece("bbb", false, Tag{2}));
    CHECK(payload_of(second.value().whole.value().content) == "bbbb");
    const auto first = incoming.add(piece("a", false, Tag{1}));
    CHECK(payload_of(first.value().whole.value().content) == "aaaa");
}

TEST_CASE("a piece too many refuses the submit, and the rest of its pieces is swallowed")
{
    IncomingPayloads incoming;
    begin(incoming, 3, "ab");
    CHECK(refused(incoming, piece("cd", true)) == error_code::bad_value);
    CHECK(incoming.contains(tag));
    CHECK(incoming.bytes() == 0);
    swallowed(incoming, piece("more", true), false);
    swallowed(incoming, piece("", false), true);
    CHECK_FALSE(incoming.contains(tag));
}

TEST_CASE("a last piece that is too long ends the refused submit at once")
{
    IncomingPayloads incoming;
    begin(incoming, 3, "ab");
    CHECK(refused(incoming, piece("cd", false)) == error_code::bad_value);
    CHECK_FALSE(incoming.contains(tag));
    CHECK(incoming.bytes() == 0);
}

TEST_CASE("a last piece that leaves something out refuses the submit")
{
    IncomingPayloads incoming;
    begin(incoming, 9, "ab");
    CHECK(refused(incoming, piece("cd", false)) == error_code::bad_value);
    CHECK_FALSE(incoming.contains(tag));
}

TEST_CASE("a piece of no submit is refused")
{
    IncomingPayloads incoming;
    CHECK(refused(incoming, piece("x", false)) == error_code::not_found);
    begin(incoming, 1, "", Tag{1});
    CHECK(refused(incoming, piece("x", false, Tag{2})) == error_code::not_found);
    CHECK(incoming.contains(Tag{1}));
}

TEST_CASE("the pieces of a submit that was refused at once are swallowed")
{
    IncomingPayloads incoming;
    incoming.begin_refused(tag);
    CHECK(incoming.contains(tag));
    CHECK(incoming.bytes() == 0);
    swallowed(incoming, piece("any", true), false);
    swallowed(incoming, piece("thing", false), true);
    CHECK(refused(incoming, piece("late", false)) == error_code::not_found);
}

TEST_CASE("a submit that is given up swallows its pieces, and is given up once")
{
    IncomingPayloads incoming;
    CHECK_FALSE(incoming.drop(tag));
    begin(incoming, 100, "ab");
    CHECK(incoming.drop(tag));
    CHECK(incoming.bytes() == 0);
    CHECK_FALSE(incoming.drop(tag));
    swallowed(incoming, piece("c", true), false);
    swallowed(incoming, piece("d", false), true);
    CHECK_FALSE(incoming.contains(tag));
}
