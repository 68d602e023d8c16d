// SPDX-License-Identifier: MIT
// Results for which this process can have no memory.
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include <doctest/doctest.h>

#include "common/blob.hpp"
#include "scripted_daemon.hpp"

using namespace jobmill;
using namespace jobmill::tests;

namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20U;
/// More than malloc has lying about.
constexpr std::size_t large = 64 * mebibyte;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// Lets the process have so much more address space while it lives.
class LittleMemory {
public:
    explicit LittleMemory(std::size_t more)
    {
        std::size_t pages = 0;
        std::ifstream{"/proc/self/statm"} >> pages;
        REQUIRE(::getrlimit(RLIMIT_AS, &before_) == 0);
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        const rlimit little{pages * page + more, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_AS, &little) == 0);
    }
    ~LittleMemory() { (void)::setrlimit(RLIMIT_AS, &before_); }
    LittleMemory(const LittleMemory&) = delete;
    LittleMemory& operator=(const LittleMemory&) = delete;

private:
    rlimit before_{};
};

JobResult large_result(Tag tag)
{
    JobResult result;
    result.tag = tag;
    result.job = JobId{100 + number(tag)};
    result.size = large;
    return result;
}

void check_dropped(ScriptedDaemon& daemon)
{
    const auto last = daemon.event_of<event::JobResult>();
    REQUIRE(last);
    CHECK(last->dropped);
    CHECK(last->size == large);
    CHECK(last->payload.empty());
    CHECK_FALSE(last->blob);
    CHECK(daemon.client.held() == 0);
    CHECK(daemon.client.unfinished() == 0);
}

}  // namespace

TEST_CASE("a result in pieces is dropped when there is no memory for it")
{
    if (sanitized) {
        return;  // there a failed allocation is the end
    }
    ScriptedDaemon daemon{Welcome{}, large + mebibyte};
    const Tag tag = daemon.accepted_job();
    const Bytes piece = filled(mebibyte / 16, 'p');
    JobResult result = large_result(tag);
    result.more = true;
    REQUIRE(daemon.say(result));
    {
        const LittleMemory little{large * 3 / 4};
        for (std::size_t rest = large; rest > 0; rest -= piece.size()) {
            REQUIRE(daemon.say(Piece{tag, rest > piece.size(), piece}));
        }
    }
    check_dropped(daemon);
    // What it would have taken is there for the next one.
    const Tag next = daemon.accepted_job();
    result = large_result(next);
    result.more = true;
    REQUIRE(daemon.say(result));
    for (std::size_t rest = large; rest > 0; rest -= piece.size()) {
        REQUIRE(daemon.say(Piece{next, rest > piece.size(), piece}));
    }
    CHECK_FALSE(daemon.event_of<event::JobResult>()->dropped);
}

TEST_CASE("a result in a blob is dropped, and given back, when there is no memory for it")
{
    if (sanitized) {
        return;
    }
    bool keep_results = false;
    std::size_t more = 0;
    SUBCASE("to map it")
    {
        keep_results = true;
        more = large / 2;
    }
    SUBCASE("to map it, and to copy it")
    {
        more = large * 3 / 2;
    }
    ScriptedDaemon daemon{
        Welcome{}, large * 2, false, {.keep_results = keep_results, .kept = 0, .shared = true}};
    const Tag tag = daemon.accepted_job();
    (void)daemon.heard();
    JobResult result = large_result(tag);
    result.has_blob = true;
    daemon.client.received_descriptors().push_back(*make_blob(large));
    {
        const LittleMemory little{more};
        REQUIRE(daemon.say(result));
    }
    check_dropped(daemon);
    CHECK(daemon.heard() == std::vector<std::string>{"return"});
}
