// SPDX-License-Identifier: MIT
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "common/base64.hpp"

using namespace jobmill;

namespace {

std::string encoded(std::string_view text)
{
    Bytes to;
    base64::encode(bytes_of(text), to);
    return std::string{text_of(to)};
}

}  // namespace

TEST_CASE("the examples of RFC 4648 hold in both directions")
{
    for (const auto& [plain, base] : {std::pair{"", ""},
                                      {"f", "Zg=="},
                                      {"fo", "Zm8="},
                                      {"foo", "Zm9v"},
                                      {"foob", "Zm9vYg=="},
                                      {"fooba", "Zm9vYmE="},
                                      {"foobar", "Zm9vYmFy"}}) {
        CHECK(encoded(plain) == base);
        const auto decoded = base64::decode(base);
        REQUIRE(decoded.has_value());
        CHECK(text_of(*decoded) == plain);
    }
}

TEST_CASE("every byte survives base64")
{
    std::string all;
    for (int i = 0; i < 256; ++i) {
        all += static_cast<char>(i);
    }
    for (std::size_t size = 0; size <= all.size(); ++size) {
        const auto decoded = base64::decode(encoded(all.substr(0, size)));
        REQUIRE(decoded.has_value());
        REQUIRE(text_of(*decoded) == all.substr(0, size));
    }
}

TEST_CASE("what is not canonical base64 is refused")
{
    for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "====", "=", "A===", "Zg==Zg==", "Zm9v\n",
                             "Z*==", "Zh==", "Zm9=", "Zm9v Zm9v", "-_-_"}) {
        CAPTURE(text);
        CHECK_FALSE(base64::decode(text).has_value());
    }
}
