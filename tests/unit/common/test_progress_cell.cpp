// SPDX-License-Identifier: MIT
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "common/progress_cell.hpp"

using namespace jobmill;

TEST_CASE("progress is read as it was written")
{
    const auto layout = std::make_unique<SegmentLayout>();
    CHECK_FALSE(read_progress(layout->progress).has_value());
    write_progress(layout->progress, Sequence{3}, 5, 10, "halfway");
    const auto reading = read_progress(layout->progress);
    REQUIRE(reading.has_value());
    CHECK(reading->sequence == Sequence{3});
    CHECK(reading->done == 5);
    CHECK(reading->total == 10);
    CHECK(reading->note == "halfway");
}

TEST_CASE("every report has another version, also one that says the same")
{
    const auto layout = std::make_unique<SegmentLayout>();
    write_progress(layout->progress, Sequence{3}, 5, 10, {});
    const auto first = read_progress(layout->progress);
    write_progress(layout->progress, Sequence{3}, 5, 10, {});
    const auto second = read_progress(layout->progress);
    REQUIRE(first.has_value());
    REQUIRE(second.has_value());
    CHECK(first->version != second->version);
}

TEST_CASE("a long note is cut between two characters")
{
    const auto layout = std::make_unique<SegmentLayout>();
    std::string note(limits::progress_note - 1, 'x');
    write_progress(layout->progress, Sequence{1}, 0, 0, note + "\xc3\xa9");
    CHECK(read_progress(layout->progress)->note == note);
    note += "y";
    write_progress(layout->progress, Sequence{1}, 0, 0, note);
    CHECK(read_progress(layout->progress)->note == note);
}

TEST_CASE("a cell in the middle of a report is not read")
{
    const auto layout = std::make_unique<SegmentLayout>();
    write_progress(layout->progress, Sequence{3}, 5, 10, "x");
    layout->progress.version = 7;
    CHECK_FALSE(read_progress(layout->progress).has_value());
    write_progress(layout->progress, Sequence{4}, 5, 10, "x");
    CHECK_MESSAGE(read_progress(layout->progress).has_value(), "the next report repairs it");
}

TEST_CASE("a cell full of nonsense is bounded and its note is UTF-8")
{
    const auto layout = std::make_unique<SegmentLayout>();
    SegmentLayout::Progress& cell = layout->progress;
    std::fill(std::begin(cell.note), std::end(cell.note), '\xff');
    cell.note_size = ~std::uint64_t{0};
    cell.version = ~std::uint64_t{1};
    const auto reading = read_progress(cell);
    REQUIRE(reading.has_value());
    CHECK(reading->note.size() == 3 * limits::progress_note);
}

TEST_CASE("a reader never sees half of a report")
{
    const auto layout = std::make_unique<SegmentLayout>();
    std::atomic<bool> stop = false;
    std::thread writer{[&] {
        for (std::uint64_t i = 1; !stop; ++i) {
            write_progress(layout->progress, Sequence{i}, i, i, std::to_string(i));
        }
    }};
    std::size_t readings = 0;
    std::size_t torn = 0;
    while (readings < 2000) {
        if (const auto reading = read_progress(layout->progress)) {
            ++readings;
            const bool whole = reading->done == reading->total &&
                               number(reading->sequence) == reading->done &&
                               reading->note == std::to_string(reading->done);
            torn += whole ? 0U : 1U;
        }
    }
    stop = true;
    writer.join();
    CHECK(torn == 0);
}
