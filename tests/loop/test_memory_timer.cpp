// SPDX-License-Identifier: MIT
// Memory is watched while somebody wants it watched.
#include "daemon/memory_watch.hpp"
#include "tests/loop/loop_fixture.hpp"
#include "tests/unit/daemon/temp_directory.hpp"

namespace jobmill::tests {
namespace {

struct WatchFixture : LoopFixture {
    void say(std::uint64_t kibibytes)
    {
        place.write("new", "MemAvailable: " + std::to_string(kibibytes) + " kB\n");
        std::filesystem::rename(place / "new", place / "meminfo");
    }

    TempDirectory place;
    std::vector<bool> told;
    std::unique_ptr<daemon::MemoryWatch> watch =
        daemon::MemoryWatch::create(
            loop, [this](const daemon::MemoryWatch::State& state) { told.push_back(state.low); },
            {.meminfo = place / "meminfo", .group = {}}, 1ms)
            .value();
};

}  // namespace

TEST_CASE_FIXTURE(WatchFixture,
                  "a change is told once, and only after a tenth more it is good again")
{
    say(100);
    watch->watch(50 * 1024);
    CHECK(watch->state().available == 100U * 1024);
    run_for(5ms);
    CHECK(told.empty());
    say(49);
    CHECK(run_until([&] { return !told.empty(); }));
    CHECK(watch->state().low);
    say(52);
    CHECK(run_until([&] { return watch->state().available == 52U * 1024; }));
    CHECK(watch->state().low);
    say(60);
    CHECK(run_until([&] { return told.size() == 2; }));
    CHECK(told == std::vector{true, false});
}

TEST_CASE_FIXTURE(WatchFixture,
                  "another bound is judged at once, and none means that nothing is low")
{
    say(100);
    watch->watch(200 * 1024);
    CHECK(told == std::vector{true});
    watch->watch(50 * 1024);
    CHECK(told == std::vector{true, false});
    watch->watch(200 * 1024);
    watch->watch({});
    CHECK(told == std::vector{true, false, true, false});
    CHECK(watch->state() == daemon::MemoryWatch::State{});
    say(1);
    run_for(5ms);
    CHECK(told.size() == 4);
}

TEST_CASE_FIXTURE(WatchFixture, "a file that vanishes lets jobs begin")
{
    say(1);
    watch->watch(50 * 1024);
    CHECK(watch->state().low);
    std::filesystem::remove(place / "meminfo");
    CHECK(run_until([&] { return !watch->state().low; }));
    CHECK_FALSE(watch->state().available.has_value());
}

}  // namespace jobmill::tests
