// SPDX-License-Identifier: MIT
#include <memory>
#include <random>

#include <doctest/doctest.h>

#include "common/outbox.hpp"

using namespace jobmill;

namespace {

Bytes block(std::size_t size, std::uint8_t start)
{
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::byte>(start + i);
    }
    return bytes;
}

}  // namespace

TEST_CASE("what is committed and not received is found after the worker's death")
{
    const auto layout = std::make_unique<SegmentLayout>();
    OutboxWriter outbox{*layout};
    REQUIRE(outbox.commit(bytes_of("first,")));
    REQUIRE(outbox.commit(bytes_of("second")));
    outbox.sent(6);
    CHECK(text_of(outbox.unsent()) == "second");
    const auto rest = read_outbox(*layout, 6);
    REQUIRE(rest.has_value());
    CHECK(text_of(*rest) == "second");
}

TEST_CASE("when everything was received the outbox has nothing")
{
    const auto layout = std::make_unique<SegmentLayout>();
    CHECK(read_outbox(*layout, 0)->empty());
    OutboxWriter outbox{*layout};
    REQUIRE(outbox.commit(bytes_of("all")));
    CHECK(read_outbox(*layout, 3)->empty());
}

TEST_CASE("a frame goes around the end of the ring in one piece")
{
    const auto layout = std::make_unique<SegmentLayout>();
    OutboxWriter outbox{*layout};
    const Bytes long_frame = block(outbox_size - 10, 1);
    REQUIRE(outbox.commit(long_frame));
    outbox.sent(long_frame.size());
    const Bytes around = block(50, 77);
    REQUIRE(outbox.commit(around));
    CHECK_MESSAGE(outbox.unsent().size() == 10, "to the end of the memory first");
    outbox.sent(10);
    CHECK(outbox.unsent().size() == 40);
    CHECK(read_outbox(*layout, long_frame.size()) == around);
}

TEST_CASE("the ring takes what it can hold and refuses a byte more")
{
    const auto layout = std::make_unique<SegmentLayout>();
    OutboxWriter outbox{*layout};
    REQUIRE(outbox.commit(block(outbox_size, 3)));
    CHECK_FALSE(outbox.commit(bytes_of("x")));
    CHECK(outbox.commit(ByteView{}));
    CHECK(read_outbox(*layout, 0) == block(outbox_size, 3));
    outbox.sent(1);
    CHECK(outbox.commit(bytes_of("x")));
}

TEST_CASE("offsets that cannot be are refused")
{
    const auto layout = std::make_unique<SegmentLayout>();
    layout->committed = 100;
    CHECK_FALSE_MESSAGE(read_outbox(*layout, 101).has_value(), "more received than committed");
    layout->committed = outbox_size + 1;
    CHECK_FALSE_MESSAGE(read_outbox(*layout, 0).has_value(), "more than the ring holds");
    layout->committed = ~std::uint64_t{0};
    CHECK_FALSE(read_outbox(*layout, 5).has_value());
    CHECK_MESSAGE(read_outbox(*layout, ~std::uint64_t{0} - 5).has_value(), "near the end of time");
}

TEST_CASE("what was written over while it was read is not taken for what it was")
{
    const auto layout = std::make_unique<SegmentLayout>();
    OutboxWriter outbox{*layout};
    REQUIRE(outbox.commit(block(outbox_size, 3)));
    CHECK(read_outbox(*layout, 0).has_value());
    // It has sent the beginning, and writes the next frame there.
    layout->written = outbox_size + 1;
    CHECK_FALSE(read_outbox(*layout, 0).has_value());
    CHECK(read_outbox(*layout, 1).has_value());
}

TEST_CASE("a frame is announced before it is written")
{
    const auto layout = std::make_unique<SegmentLayout>();
    OutboxWriter outbox{*layout};
    REQUIRE(outbox.commit(bytes_of("first")));
    REQUIRE(outbox.commit(bytes_of("second")));
    CHECK(layout->written == 11);
    CHECK(layout->committed == 11);
}

TEST_CASE("a long stream through the ring is what went in")
{
    const auto layout = std::make_unique<SegmentLayout>();
    OutboxWriter outbox{*layout};
    std::mt19937 random{7};  // NOLINT(cert-msc51-cpp): the same schedule every time
    std::uniform_int_distribution<std::size_t> size{1, 70'000};
    Bytes in;
    Bytes out;
    while (in.size() < 4 * outbox_size) {
        const Bytes frame = block(size(random), static_cast<std::uint8_t>(in.size()));
        while (!outbox.commit(frame)) {
            const ByteView some =
                outbox.unsent().first(std::min<std::size_t>(outbox.unsent().size(), size(random)));
            append(out, some);
            outbox.sent(some.size());
        }
        append(in, ByteView{frame});
    }
    const auto rest = read_outbox(*layout, out.size());
    REQUIRE(rest.has_value());
    append(out, ByteView{*rest});
    CHECK(out == in);
}
