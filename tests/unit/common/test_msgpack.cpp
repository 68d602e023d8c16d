// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "common/limits.hpp"
#include "common/msgpack.hpp"

using namespace jobmill;

namespace {

Bytes encoded(const Value& value)
{
    Bytes bytes;
    msgpack::Writer{bytes}.value(value);
    return bytes;
}

Bytes raw(std::initializer_list<int> codes)
{
    Bytes bytes;
    for (const int code : codes) {
        bytes.push_back(static_cast<std::byte>(code));
    }
    return bytes;
}

Value sample()
{
    return Value{Map{
        {"nothing", Value{}},
        {"truth", Value{true}},
        {"words", Value{"caf\xc3\xa9"}},
        {"long", Value{std::string(300, 'x')}},
        {"real", Value{0.1}},
        {"list", Value{Array{Value{1}, Value{-1}, Value{Map{}}, Value{Array{}}}}},
    }};
}

}  // namespace

TEST_CASE("integers of every width come back, and take as few bytes as they can")
{
    using Limits = std::numeric_limits<std::int64_t>;
    const std::vector<std::pair<std::int64_t, std::size_t>> numbers{
        {0, 1},     {127, 1},   {128, 2},        {255, 2},        {256, 3},
        {65535, 3}, {65536, 5}, {4294967295, 5}, {4294967296, 9}, {Limits::max(), 9},
        {-1, 1},    {-32, 1},   {-33, 9},        {-70000, 9},     {Limits::min(), 9}};
    for (const auto& each : numbers) {
        const auto number = each.first;
        CAPTURE(number);
        const Bytes bytes = encoded(Value{number});
        CHECK(bytes.size() == each.second);
        msgpack::Reader reader{bytes};
        CHECK(reader.integer() == number);
        CHECK(reader.at_end());
    }
}

TEST_CASE("the widths of signed integers that others write are read with their sign")
{
    for (const auto& bytes :
         {raw({0xd0, 0xfe}), raw({0xd1, 0xff, 0xfe}), raw({0xd2, 0xff, 0xff, 0xff, 0xfe}),
          raw({0xd3, 255, 255, 255, 255, 255, 255, 255, 0xfe}), raw({0xfe})}) {
        CHECK(msgpack::Reader{bytes}.integer() == -2);
    }
}

TEST_CASE("an unsigned integer above the signed ones is refused instead of turning negative")
{
    Bytes bytes;
    msgpack::Writer{bytes}.unsigned_integer(std::uint64_t{1} << 63U);
    CHECK_FALSE(msgpack::Reader{bytes}.integer().has_value());
    CHECK_FALSE(msgpack::decode(bytes).has_value());
}

TEST_CASE("a document comes back as it was")
{
    const Value value = sample();
    const auto decoded = msgpack::decode(encoded(value));
    REQUIRE(decoded.has_value());
    CHECK(*decoded == value);
}

TEST_CASE("texts, lists and maps of every width of their counts come back")
{
    for (const std::size_t size : {0U, 15U, 16U, 31U, 32U, 255U, 256U, 65535U, 65536U}) {
        CAPTURE(size);
        const Value text{std::string(size, 'x')};
        CHECK(msgpack::decode(encoded(text)) == text);
        const Value list{Array(size, Value{7})};
        CHECK(msgpack::decode(encoded(list)) == list);
        const Value map{Map(size, {"k", Value{}})};
        CHECK(msgpack::decode(encoded(map)) == map);
    }
}

TEST_CASE("a document that is cut short anywhere is refused")
{
    const Bytes whole = encoded(sample());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(msgpack::decode(ByteView{whole}.first(size)).has_value());
        CHECK_FALSE(msgpack::Reader{ByteView{whole}.first(size)}.skip().has_value());
    }
}

TEST_CASE("a document with something behind it is refused")
{
    Bytes bytes = encoded(sample());
    bytes.push_back(std::byte{0xc0});
    CHECK_FALSE(msgpack::decode(bytes).has_value());
}

TEST_CASE("a count that promises more than there is takes no memory")
{
    for (const auto& bytes :
         {raw({0xdd, 0xff, 0xff, 0xff, 0xff}), raw({0xdf, 0xff, 0xff, 0xff, 0xff}),
          raw({0xdb, 0xff, 0xff, 0xff, 0xff}), raw({0xc6, 0xff, 0xff, 0xff, 0xff}),
          raw({0x92, 0x01}), raw({0x81, 0xa1}), raw({0xdc, 0x00, 0x03, 1, 2})}) {
        CHECK_FALSE(msgpack::decode(bytes).has_value());
        CHECK_FALSE(msgpack::Reader{bytes}.skip().has_value());
        msgpack::Reader reader{bytes};
        CHECK_FALSE(reader.text().has_value());
        CHECK_MESSAGE(reader.rest().size() == bytes.size(), "a refused call takes nothing");
    }
}

TEST_CASE("nesting is taken to the limit and refused beyond it, at any depth")
{
    const auto nested = [](std::size_t depth) {
        Bytes bytes(depth - 1, std::byte{0x91});
        bytes.push_back(std::byte{0x90});
        return bytes;
    };
    CHECK(msgpack::decode(nested(limits::depth)).has_value());
    for (const std::size_t depth : {limits::depth + 1, std::size_t{200'000}}) {
        const auto refused = msgpack::decode(nested(depth));
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == Errc::exhausted);
        CHECK_MESSAGE(msgpack::Reader{nested(depth)}.skip().has_value(), "skipping has no limit");
    }
}

TEST_CASE("a scalar is no level of nesting")
{
    Bytes bytes(limits::depth, std::byte{0x91});
    bytes.push_back(std::byte{0x07});
    CHECK(msgpack::decode(bytes).has_value());
}

TEST_CASE("keys that are no text, and text that is not UTF-8, are refused")
{
    CHECK_FALSE(msgpack::decode(raw({0x81, 0x01, 0x02})).has_value());
    CHECK_FALSE(msgpack::decode(raw({0xa1, 0xff})).has_value());
    CHECK_FALSE(msgpack::decode(raw({0x81, 0xa1, 0xff, 0x01})).has_value());
}

TEST_CASE("types that are not used here are refused")
{
    for (int code : {0xc1, 0xc7, 0xc8, 0xc9, 0xca, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8}) {
        CAPTURE(code);
        const Bytes bytes = raw({code, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
        CHECK_FALSE(msgpack::decode(bytes).has_value());
        CHECK(msgpack::Reader{bytes}.peek() == msgpack::Kind::invalid);
        CHECK_FALSE(msgpack::Reader{bytes}.skip().has_value());
    }
}

TEST_CASE("a reader that is asked for another type stays where it is")
{
    const Bytes bytes = encoded(Value{"text"});
    msgpack::Reader reader{bytes};
    CHECK_FALSE(reader.integer().has_value());
    CHECK_FALSE(reader.boolean().has_value());
    CHECK_FALSE(reader.real().has_value());
    CHECK_FALSE(reader.map().has_value());
    CHECK_FALSE(reader.array().has_value());
    CHECK(reader.text() == "text");
}

TEST_CASE("skipping answers the bytes of one whole item")
{
    Bytes bytes = encoded(sample());
    const std::size_t size = bytes.size();
    bytes.push_back(std::byte{0x07});
    msgpack::Reader reader{bytes};
    const auto skipped = reader.skip();
    REQUIRE(skipped.has_value());
    CHECK(skipped->size() == size);
    CHECK(reader.integer() == 7);
}

TEST_CASE("infinities and NaN are numbers like others in MessagePack")
{
    const auto infinity = msgpack::decode(encoded(Value{HUGE_VAL}));
    REQUIRE(infinity.has_value());
    CHECK(std::isinf(std::get<double>(*infinity)));
    const auto nan = msgpack::decode(encoded(Value{std::nan("")}));
    REQUIRE(nan.has_value());
    CHECK(std::isnan(std::get<double>(*nan)));
}
