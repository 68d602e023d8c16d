// SPDX-License-Identifier: MIT
// What is kept for a reader who does not take it.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

#include "client/commands/outlet.hpp"

using namespace jobmill;
using namespace jobmill::commands;

namespace {

/// Both ends of a pipe or a socket pair; the end that is read never waits.
struct Ends {
    UniqueFd read;
    UniqueFd write;

    static Ends of_pipe()
    {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        return take(ends);
    }
    static Ends of_sockets()
    {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        return take(ends);
    }

    /// What is written at once is read at once.
    static Ends of_messages()
    {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
        return take(ends);
    }

    /// All that can be read now.
    [[nodiscard]] std::string text() const
    {
        std::string all;
        std::array<char, 65536> part{};
        ssize_t size = 0;
        while ((size = ::read(read.get(), part.data(), part.size())) > 0) {
            all.append(part.data(), static_cast<std::size_t>(size));
        }
        return all;
    }

private:
    static Ends take(const std::array<int, 2>& ends)
    {
        REQUIRE(::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
        return {.read = UniqueFd{ends[0]}, .write = UniqueFd{ends[1]}};
    }
};

/// Temporary files cannot be made while it lives.
class NoTemporaryFiles {
public:
    NoTemporaryFiles()
    {
        const char* now = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe)
        before_ = now == nullptr ? "/tmp" : now;
        (void)::setenv("TMPDIR", "/nonexistent", 1);  // NOLINT(concurrency-mt-unsafe)
    }
    ~NoTemporaryFiles()
    {
        (void)::setenv("TMPDIR", before_.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    }
    NoTemporaryFiles(const NoTemporaryFiles&) = delete;
    NoTemporaryFiles& operator=(const NoTemporaryFiles&) = delete;

private:
    std::string before_;
};

/// Different everywhere, and in lines of no round length.
std::string much_text(std::size_t size)
{
    std::string text;
    for (int i = 0; text.size() < size; ++i) {
        text += "line " + std::to_string(i) + "\n";
    }
    return text;
}

std::string rest_of(Spool& spool)
{
    std::string all;
    while (true) {
        const auto bytes = spool.front();
        REQUIRE(bytes);
        if (bytes->empty()) {
            CHECK(spool.size() == 0);
            return all;
        }
        all += text_of(*bytes);
        spool.remove(bytes->size());
    }
}

void check_nothing_is_lost(const Ends& ends)
{
    const int flags = ::fcntl(ends.write.get(), F_GETFL);
    Outlet outlet{ends.write.get()};
    const std::string text = much_text(2'000'000);
    REQUIRE(outlet.put(bytes_of(text)));
    REQUIRE(outlet.put(bytes_of("the end")));
    CHECK(outlet.waits());
    CHECK_FALSE(outlet.full());
    std::string all;
    while (outlet.waits()) {
        all += ends.text();
        REQUIRE(outlet.write_kept());
    }
    all += ends.text();
    CHECK((all == text + "the end"));
    CHECK(::fcntl(ends.write.get(), F_GETFL) == flags);
}

}  // namespace

TEST_CASE("a spool gives back what it got, whatever is taken meanwhile")
{
    Spool spool{300'000};
    const std::string text = much_text(1'000'000);
    std::string all;
    for (std::size_t i = 0; i < text.size(); i += 1000) {
        REQUIRE(spool.add(bytes_of(std::string_view{text}.substr(i, 1000))));
        if (i % 3000 == 0) {
            const auto bytes = spool.front();
            REQUIRE(bytes);
            all += text_of(bytes->first(500));
            spool.remove(500);
        }
        CHECK(spool.size() == std::min(i + 1000, text.size()) - all.size());
    }
    all += rest_of(spool);
    CHECK((all == text));
}

TEST_CASE("a spool without room for a file says so and has everything all the same")
{
    const NoTemporaryFiles none;
    Spool spool{300'000};
    const std::string text = much_text(500'000);
    REQUIRE(spool.add(bytes_of("first ")));
    const auto added = spool.add(bytes_of(text));
    REQUIRE_FALSE(added);
    CHECK(added.error().what.find("/nonexistent") != std::string::npos);
    CHECK((rest_of(spool) == "first " + text));
}

TEST_CASE("an outlet keeps what the reader of a pipe does not take")
{
    check_nothing_is_lost(Ends::of_pipe());
}

TEST_CASE("an outlet that cannot be opened anew is written as carefully")
{
    check_nothing_is_lost(Ends::of_sockets());
}

TEST_CASE("an outlet is full when no file can take what waits, until it was taken")
{
    const NoTemporaryFiles none;
    const Ends ends = Ends::of_pipe();
    Outlet outlet{ends.write.get()};
    const std::string text = much_text(500'000);
    REQUIRE(outlet.put(bytes_of(text)));
    CHECK(outlet.full());
    std::string all;
    while (outlet.waits()) {
        all += ends.text();
        REQUIRE(outlet.write_kept());
    }
    CHECK_FALSE(outlet.full());
    all += ends.text();
    CHECK((all == text));
}

TEST_CASE("an outlet that gathers writes small pieces together, when it is told")
{
    const Ends ends = Ends::of_messages();
    Outlet outlet{ends.write.get()};
    std::array<char, 65536> message{};
    const auto next = [&] {
        const ssize_t size = ::read(ends.read.get(), message.data(), message.size());
        return std::string{message.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    };
    REQUIRE(outlet.put(bytes_of("at once")));
    CHECK(next() == "at once");
    outlet.gather();
    std::string all;
    for (int i = 0; i < 100; ++i) {
        const std::string piece = std::to_string(i) + "\n";
        REQUIRE(outlet.put(bytes_of(piece)));
        all += piece;
    }
    CHECK(next().empty());
    CHECK(outlet.put_size() == 7 + all.size());
    CHECK(outlet.written_size() == 7);
    REQUIRE(outlet.flush());
    CHECK(outlet.written_size() == outlet.put_size());
    CHECK(next() == all);
    CHECK(next().empty());
    REQUIRE(outlet.flush());
    CHECK(next().empty());
}

TEST_CASE("an outlet gathers no more than 64 KiB, and nothing that is larger")
{
    const Ends ends = Ends::of_pipe();
    Outlet outlet{ends.write.get()};
    outlet.gather();
    const std::string small = much_text(40'000);
    REQUIRE(outlet.put(bytes_of(small)));
    CHECK(ends.text().empty());
    REQUIRE(outlet.put(bytes_of(small)));
    CHECK((ends.text() == small));
    const std::string large = much_text(66'000);
    REQUIRE(outlet.put(bytes_of(large)));
    // As much as a pipe holds; the rest is kept, and what comes goes behind it.
    CHECK(outlet.waits());
    REQUIRE(outlet.put(bytes_of("the end")));
    std::string all;
    while (outlet.waits()) {
        all += ends.text();
        REQUIRE(outlet.write_kept());
    }
    all += ends.text();
    CHECK((all == small + large + "the end"));
    CHECK(outlet.written_size() == outlet.put_size());
}

TEST_CASE("an outlet says of what it gathered how much was written before it failed")
{
    (void)::signal(SIGPIPE, SIG_IGN);  // as jobmill does
    Ends ends = Ends::of_pipe();
    Outlet outlet{ends.write.get()};
    outlet.gather();
    REQUIRE(outlet.put(bytes_of("one\n")));
    REQUIRE(outlet.flush());
    REQUIRE(outlet.put(bytes_of("two\n")));
    CHECK_FALSE(outlet.lost_gathered());
    ends.read.reset();
    CHECK(outlet.flush().error().code == Errc::closed);
    CHECK(outlet.lost_gathered());
    CHECK(outlet.written_size() == 4);
    CHECK(outlet.put_size() == 8);
}

TEST_CASE("an outlet tells that its reader has left, and keeps nothing for him")
{
    (void)::signal(SIGPIPE, SIG_IGN);  // as jobmill does
    Ends ends = Ends::of_pipe();
    Outlet outlet{ends.write.get()};
    REQUIRE(outlet.put(bytes_of(much_text(500'000))));
    ends.read.reset();
    const auto written = outlet.write_kept();
    REQUIRE_FALSE(written);
    CHECK(written.error().code == Errc::closed);
    CHECK_FALSE(outlet.waits());
    CHECK(outlet.put(bytes_of("more")).error().code == Errc::closed);
}
