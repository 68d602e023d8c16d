// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "jobmill/bytes.hpp"

using namespace jobmill;

TEST_CASE("numbers are written with their lowest byte first")
{
    Bytes bytes;
    append_number(bytes, std::uint32_t{0x01020304});
    CHECK(bytes == Bytes{std::byte{4}, std::byte{3}, std::byte{2}, std::byte{1}});
}

TEST_CASE("numbers of every width come back as they went in")
{
    Bytes bytes;
    append_number(bytes, std::uint8_t{0xfe});
    append_number(bytes, std::uint16_t{0xfedc});
    append_number(bytes, std::int32_t{-2});
    append_number(bytes, std::uint64_t{0xfedcba9876543210});
    ByteReader reader{bytes};
    CHECK(reader.number<std::uint8_t>() == 0xfe);
    CHECK(reader.number<std::uint16_t>() == 0xfedc);
    CHECK(reader.number<std::int32_t>() == -2);
    CHECK(reader.number<std::uint64_t>() == 0xfedcba9876543210);
    CHECK(reader.ok());
    CHECK(reader.rest().empty());
}

TEST_CASE("a reader that was asked for more than there is answers zero from then on")
{
    const Bytes bytes{std::byte{1}, std::byte{2}, std::byte{3}};
    ByteReader reader{bytes};
    CHECK(reader.number<std::uint32_t>() == 0);
    CHECK_FALSE(reader.ok());
    CHECK(reader.number<std::uint8_t>() == 0);
    CHECK(reader.rest().empty());
}

TEST_CASE("taking exactly what is left is no error")
{
    const Bytes bytes{std::byte{1}, std::byte{2}};
    ByteReader reader{bytes};
    CHECK(reader.take(2).size() == 2);
    CHECK(reader.take(0).empty());
    CHECK(reader.ok());
}

TEST_CASE("text and bytes are two views of the same memory")
{
    const std::string_view text = "job";
    CHECK(text_of(bytes_of(text)) == text);
    CHECK(text_of(ByteView{}).empty());
}
