// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/socket.h>

#include <optional>

#include "daemon/loop/fd_watcher.hpp"
#include "tests/loop/loop_fixture.hpp"

using namespace jobmill;
using namespace jobmill::tests;
using loop::FdWatcher;

namespace {

/// A watched end of a pair that counts what it is told.
struct Watched : LoopFixture {
    Watched() : pair(nonblocking_pair())
    {
        auto made = FdWatcher::create(loop, pair.ours.get(), [this](unsigned events) {
            ++calls;
            ready |= events;
            if (then) {
                then();
            }
        });
        REQUIRE(made.has_value());
        watcher.emplace(std::move(*made));
    }
    void say(std::string_view text) const
    {
        REQUIRE(::write(pair.theirs.get(), text.data(), text.size()) ==
                static_cast<ssize_t>(text.size()));
    }

    SocketPair pair;
    int calls = 0;
    unsigned ready = 0;
    std::function<void()> then;
    std::optional<FdWatcher> watcher;  // goes before the descriptor that it watches
};

}  // namespace

TEST_CASE_FIXTURE(Watched, "a descriptor is told readable when there is something to read")
{
    watcher->watch(FdWatcher::readable);
    settle();
    CHECK(calls == 0);
    say("x");
    CHECK(run_until([&] { return calls > 0; }));
    CHECK(ready == FdWatcher::readable);
}

TEST_CASE_FIXTURE(Watched, "a descriptor is told writable while it takes more")
{
    watcher->watch(FdWatcher::writable);
    CHECK(run_until([&] { return calls > 0; }));
    CHECK(ready == FdWatcher::writable);
}

TEST_CASE_FIXTURE(Watched, "what is not watched is not told")
{
    say("x");
    settle();
    CHECK(calls == 0);
    watcher->watch(FdWatcher::readable);
    settle();
    CHECK(calls > 0);
    const int before = calls;
    watcher->watch(0);
    CHECK(watcher->watched() == 0);
    settle();
    CHECK(calls == before);
}

TEST_CASE_FIXTURE(Watched, "a watcher may be destroyed by its own callback")
{
    bool done = false;
    then = [&, text = std::string(100, 'x')] {
        watcher.reset();
        done = text.size() == 100;
    };
    say("x");
    watcher->watch(FdWatcher::readable);
    CHECK(run_until([&] { return done; }));
    settle();
    CHECK(calls == 1);
}

TEST_CASE_FIXTURE(LoopFixture, "one callback may destroy the watcher of another ready descriptor")
{
    const SocketPair first = nonblocking_pair();
    const SocketPair second = nonblocking_pair();
    std::optional<FdWatcher> watchers[2];
    int calls = 0;
    for (int i = 0; i < 2; ++i) {
        const int fd = (i == 0 ? first : second).ours.get();
        watchers[i].emplace(std::move(*FdWatcher::create(loop, fd, [&, other = 1 - i](unsigned) {
            ++calls;
            watchers[other].reset();
        })));
        watchers[i]->watch(FdWatcher::writable);
    }
    settle();
    CHECK((watchers[0].has_value() != watchers[1].has_value()));
    CHECK(calls > 0);
}

TEST_CASE_FIXTURE(Watched, "who asks for the hang-up only is not woken by a half-closed socket")
{
    watcher->watch(FdWatcher::hang_up);
    say("unread");
    REQUIRE(::shutdown(pair.theirs.get(), SHUT_WR) == 0);
    run_for(50ms);
    CHECK(calls == 0);
}

TEST_CASE_FIXTURE(Watched, "who asks for the hang-up only is told when the peer closes")
{
    watcher->watch(FdWatcher::hang_up);
    then = [&] { watcher->watch(0); };
    say("unread");
    pair.theirs.reset();
    CHECK(run_until([&] { return calls > 0; }));
    CHECK(ready == FdWatcher::hang_up);
}

TEST_CASE_FIXTURE(Watched, "a reset is told as everything, for the next call to find out")
{
    // What we sent and the peer did not read makes its closing a reset.
    REQUIRE(::write(pair.ours.get(), "x", 1) == 1);
    pair.theirs.reset();
    then = [&] { watcher->watch(0); };
    watcher->watch(FdWatcher::readable);
    CHECK(run_until([&] { return calls > 0; }));
    CHECK(ready == (FdWatcher::readable | FdWatcher::writable));
}

TEST_CASE_FIXTURE(LoopFixture, "a descriptor becomes non-blocking, and stays its owner's")
{
    auto pair = make_socket_pair();
    {
        const auto watcher = FdWatcher::create(loop, pair->ours.get(), [](unsigned) {});
        REQUIRE(watcher.has_value());
    }
    settle();
    CHECK((::fcntl(pair->ours.get(), F_GETFL) & O_NONBLOCK) != 0);
}

TEST_CASE_FIXTURE(LoopFixture, "a file of the disk cannot be watched")
{
    const UniqueFd file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    CHECK_FALSE(FdWatcher::create(loop, file.get(), [](unsigned) {}).has_value());
}
