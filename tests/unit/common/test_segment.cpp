// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "common/segment.hpp"

using namespace jobmill;

TEST_CASE("a segment has the documented size, is wholly allocated and zero")
{
    const auto memory = Segment::make_memory();
    REQUIRE(memory.has_value());
    struct stat status {};
    REQUIRE(::fstat(memory->get(), &status) == 0);
    CHECK(status.st_size == 270'336);
    CHECK(status.st_blocks * 512 >= status.st_size);
    const auto segment = Segment::map(*memory);
    REQUIRE(segment.has_value());
    CHECK(segment->layout().magic == 0);
    CHECK(segment->layout().committed == 0);
}

TEST_CASE("a segment can neither shrink nor grow, and its seals are final")
{
    const auto memory = Segment::make_memory();
    REQUIRE(memory.has_value());
    CHECK(::ftruncate(memory->get(), 0) != 0);
    CHECK(::ftruncate(memory->get(), 1 << 20) != 0);
    CHECK(::fcntl(memory->get(), F_ADD_SEALS, F_SEAL_WRITE) != 0);
    CHECK((::fcntl(memory->get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("two mappings of a segment are the same memory, after its descriptor is closed too")
{
    auto memory = Segment::make_memory();
    REQUIRE(memory.has_value());
    auto ours = Segment::map(*memory);
    const auto theirs = Segment::map(*memory);
    memory->reset();
    REQUIRE(ours.has_value());
    REQUIRE(theirs.has_value());
    ours->layout().heartbeat = 42;
    CHECK(theirs->layout().heartbeat == 42);
}

TEST_CASE("memory of another size is not mapped")
{
    const UniqueFd memory{::memfd_create("test", MFD_CLOEXEC)};
    CHECK_FALSE(Segment::map(memory).has_value());
    REQUIRE(::ftruncate(memory.get(), sizeof(SegmentLayout) + 1) == 0);
    CHECK_FALSE(Segment::map(memory).has_value());
    CHECK_FALSE(Segment::map(UniqueFd{}).has_value());
}

TEST_CASE("a moved segment is still mapped")
{
    const auto memory = Segment::make_memory();
    REQUIRE(memory.has_value());
    auto segment = Segment::map(*memory);
    REQUIRE(segment.has_value());
    segment->layout().slot = 3;
    const Segment moved = std::move(*segment);
    CHECK(moved.layout().slot == 3);
    CHECK(reinterpret_cast<std::uintptr_t>(&moved.layout()) % 4096 == 0);
}

TEST_CASE("a segment that is kept from children is not mapped in them")
{
    const auto memory = Segment::make_memory();
    REQUIRE(memory.has_value());
    auto segment = Segment::map(*memory);
    REQUIRE(segment.has_value());
    REQUIRE(segment->keep_from_children().has_value());
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        // msync answers ENOMEM for memory that is not mapped.
        ::_exit(::msync(&segment->layout(), sizeof(SegmentLayout), MS_ASYNC) != 0 ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}
