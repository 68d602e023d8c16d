// SPDX-License-Identifier: MIT
// What is kept for a reader who does not take it.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
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

/// No file can become larger while it lives, as on a full disk.
class SmallFiles {
public:
    explicit SmallFiles(rlim_t size)
    {
        (void)::signal(SIGXFSZ, SIG_IGN);  // as jobmill does
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
        const rlimit now{.rlim_cur = size, .rlim_max = before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &now) == 0);
    }
    ~SmallFiles() { (void)::setrlimit(RLIMIT_FSIZE, &before_); }
    SmallFiles(const SmallFiles&) = delete;
    SmallFiles& operator=(const SmallFiles&) = delete;

private:
    rlimit before_{};
};

/// A file without a name, and what it has.
struct PlainFile {
    UniqueFd fd{::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};

    [[nodiscard]] std::string text() const
    {
        std::array<char, 4096> text{};
        const ssize_t size = ::pread(fd.get(), text.data(), text.size(), 0);
        return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    }
    void append(std::string_view text) const
    {
        const UniqueFd other{
            ::open(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), O_WRONLY | O_APPEND)};
        REQUIRE(::write(other.get(), text.data(), text.size()) ==
                static_cast<ssize_t>(text.size()));
    }
};

void put_item(Outlet& outlet, std::string_view text)
{
    REQUIRE(outlet.put(bytes_of(text)));
    REQUIRE(outlet.put(bytes_of("\n")));
    outlet.end_item();
}

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

TEST_CASE("a file that is full ends with a whole item")
{
    const PlainFile file;
    int flags = 0;
    SUBCASE("at its place") {}
    SUBCASE("at its end, wherever that is")
    {
        flags = O_APPEND;
    }
    REQUIRE(::write(file.fd.get(), "before\n", 7) == 7);
    REQUIRE(::fcntl(file.fd.get(), F_SETFL, flags) == 0);
    Outlet outlet{file.fd.get()};
    outlet.gather();
    const SmallFiles small{20};
    put_item(outlet, "first");
    REQUIRE(outlet.flush());
    put_item(outlet, "2nd");
    put_item(outlet, "the third");
    const auto written = outlet.flush();
    REQUIRE_FALSE(written);
    CHECK(written.error().what.find("item") == std::string::npos);
    CHECK(file.text() == "before\nfirst\n2nd\n");
    CHECK(outlet.written_size() >= 10);
    CHECK(outlet.written_size() < outlet.put_size());
    // Who has the same descriptor goes on there.
    REQUIRE(::write(file.fd.get(), "x", 1) == 1);
    CHECK(file.text() == "before\nfirst\n2nd\nx");
}

TEST_CASE("nor does it end with half of what is said of that")
{
    const PlainFile file;
    Outlet outlet{file.fd.get()};
    outlet.gather();
    const SmallFiles small{20};
    put_item(outlet, "first");
    put_item(outlet, "the second is too long");
    REQUIRE_FALSE(outlet.flush());
    put_item(outlet, "short");
    REQUIRE(outlet.flush());
    const std::uint64_t written = outlet.written_size();
    for (int i = 0; i < 2; ++i) {
        CHECK(outlet.between_items());
        put_item(outlet, "what is longer again");
        const auto said = outlet.flush();
        REQUIRE_FALSE(said);
        CHECK(said.error().what.find("item") == std::string::npos);
    }
    CHECK(file.text() == "first\nshort\n");
    CHECK(outlet.written_size() == written);
    CHECK(outlet.lost_gathered());
}

TEST_CASE("a large item that does not fit goes away in whole")
{
    const PlainFile file;
    Outlet outlet{file.fd.get()};
    outlet.gather();
    put_item(outlet, "first");
    const SmallFiles small{300'000};
    const std::string large = much_text(200'000);
    REQUIRE(outlet.put(bytes_of(large)));
    CHECK_FALSE(outlet.put(bytes_of(large)));
    CHECK(file.text() == "first\n");
}

TEST_CASE("what others have written to a full file stays, and it is said that an item is torn")
{
    const PlainFile file;
    REQUIRE(::fcntl(file.fd.get(), F_SETFL, O_APPEND) == 0);
    Outlet outlet{file.fd.get()};
    outlet.gather();
    const SmallFiles small{20};
    put_item(outlet, "first");
    REQUIRE(outlet.put(bytes_of("new")));
    REQUIRE(outlet.flush());
    std::string after;
    SUBCASE("between parts of it")
    {
        file.append("other\n");
        after = "first\nnewother\nest i";
    }
    SUBCASE("behind it")
    {
        REQUIRE(outlet.put(bytes_of("est item")));
        REQUIRE(outlet.flush());
        file.append("oth");
        after = "first\nnewest itemoth";
    }
    REQUIRE(outlet.put(bytes_of("est item")));
    const auto written = outlet.flush();
    REQUIRE_FALSE(written);
    CHECK(written.error().what.ends_with("; it ends in the midst of an item"));
    CHECK(file.text() == after);
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
